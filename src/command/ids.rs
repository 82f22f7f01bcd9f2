//! The ids that a finding can have: those of rules, and the codes of `doctor` and `verify`.

use crate::doctor::{CodeEntry, DoctorCode};
use crate::verify::VerifyCode;
use anyhow::anyhow;
use apim_keyless_core::azure::{SignInError, sign_in_error};
use apim_keyless_core::gateway::similarity::{did_you_mean, meant};
use apim_keyless_core::policy::{Rule, printable, rules};
use apim_keyless_report::RuleDescription;

/// What an id names.
pub(super) enum Named {
    Rule(&'static Rule),
    Code(DoctorCode),
    /// A rule and a code of the same name.
    Both(&'static Rule, DoctorCode),
    SignInError(&'static SignInError),
    VerifyCode(VerifyCode),
}

/// Finds what has this id. The error names everything that can be meant.
pub(super) fn find(id: &str) -> anyhow::Result<Named> {
    let rule = rules::RULES.iter().copied().find(|rule| rule.id == id);
    let code = DoctorCode::all().iter().copied().find(|code| code.id() == id);
    if let Some(error) = sign_in_error::find(id) {
        return Ok(Named::SignInError(error));
    }
    if let Some(code) = VerifyCode::all().iter().copied().find(|code| code.id() == id) {
        return Ok(Named::VerifyCode(code));
    }
    match (rule, code) {
        (Some(rule), Some(code)) => Ok(Named::Both(rule, code)),
        (Some(rule), None) => Ok(Named::Rule(rule)),
        (None, Some(code)) => Ok(Named::Code(code)),
        (None, None) => {
            let mut ids: Vec<&str> = rules::RULES.iter().map(|rule| rule.id).collect();
            ids.extend(DoctorCode::all().iter().map(|code| code.id()).filter(|code| rules::find(code).is_err()));
            ids.extend(VerifyCode::all().iter().map(|code| code.id()));
            let fix = did_you_mean(&meant(id, ids.iter().copied()))
                .unwrap_or_else(|| "run `apim-keyless explain` to list all rules and codes".to_owned());
            Err(anyhow!("there is no rule or code {}; {fix}", printable(id)))
        }
    }
}

/// The third line of a rule's page, which says in one sentence what it finds.
pub(super) fn summary(rule: &Rule) -> &'static str {
    rule.page.lines().nth(2).unwrap_or_default()
}

/// The ids that findings of `check` have.
pub(super) fn of_check() -> Vec<RuleDescription> {
    let rules =
        rules::RULES.iter().map(|rule| RuleDescription { id: rule.id, summary: summary(rule), help: rule.page });
    rules.chain([DoctorCode::ExceptionExpired, DoctorCode::ExceptionExpiring].map(of_code)).collect()
}

/// The ids that findings of `doctor` have.
pub(super) fn of_doctor() -> Vec<RuleDescription> {
    DoctorCode::all().iter().copied().map(of_code).collect()
}

/// The ids that findings of `verify` have: those of the rules, and its own codes.
pub(super) fn of_verify() -> Vec<RuleDescription> {
    let rules =
        rules::RULES.iter().map(|rule| RuleDescription { id: rule.id, summary: summary(rule), help: rule.page });
    let shared =
        [DoctorCode::IssuerNotPublic, DoctorCode::WebhookOrder, DoctorCode::WorkloadIdentityMissing].map(of_code);
    let own = VerifyCode::all().iter().map(|code| {
        let CodeEntry { summary, fix, .. } = code.entry();
        RuleDescription { id: code.id(), summary, help: fix }
    });
    rules.chain(shared).chain(own).collect()
}

fn of_code(code: DoctorCode) -> RuleDescription {
    RuleDescription { id: code.id(), summary: code.entry().summary, help: code.entry().fix }
}
