//! What has changed since an earlier report.

/// The differences between an earlier report and this one. Objects are named `[CLUSTER: ]KIND NAMESPACE/NAME`, with the
/// cluster if there are several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The findings of the earlier report that are gone: `RULE in OBJECT`.
    pub fixed: Vec<String>,
    /// The findings that the earlier report does not have: `RULE in OBJECT`.
    pub new: Vec<String>,
    /// Number of findings that both have.
    pub unchanged: usize,
    /// The gateways that authenticate in another way than before, that are new, or that are gone.
    pub gateways: Vec<GatewayChange>,
}

/// A gateway that authenticates in another way than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayChange {
    /// The workload.
    pub gateway: String,
    /// How it authenticated; `None` if it is new.
    pub from: Option<String>,
    /// How it authenticates; `None` if it is gone.
    pub to: Option<String>,
}

impl Changes {
    /// One line for each change: gateways, then fixed and new findings.
    pub fn lines(&self) -> Vec<String> {
        let gateways = self.gateways.iter().map(|change| {
            let or = |method: &Option<String>, word: &str| method.clone().unwrap_or_else(|| word.to_owned());
            format!("{}: {} -> {}", change.gateway, or(&change.from, "new"), or(&change.to, "gone"))
        });
        let fixed = self.fixed.iter().map(|finding| format!("fixed: {finding}"));
        let new = self.new.iter().map(|finding| format!("new: {finding}"));
        gateways.chain(fixed).chain(new).collect()
    }
}
