//! What messages say about an API server.

/// An API server, its place in the configuration, and who asks it.
#[derive(Clone, Debug)]
pub struct ServerDescription {
    /// Its URL, without user and password.
    pub url: String,
    /// The files that name it, or the ServiceAccount of this Pod.
    pub place: String,
    /// Its name in the kubeconfig; `None` in a Pod.
    pub cluster: Option<String>,
    /// The user in the kubeconfig; `None` in a Pod, or if the context names none.
    pub(super) user: Option<String>,
    /// The proxy that requests are sent through, without user and password.
    pub(super) proxy: Option<String>,
    /// When the client certificate of the user expired, if it has.
    pub(super) expired_certificate: Option<String>,
}

impl ServerDescription {
    /// The URL, and the proxy if there is one.
    pub(super) fn address(&self) -> String {
        match &self.proxy {
            Some(proxy) => format!("{} (through the proxy {proxy})", self.url),
            None => self.url.clone(),
        }
    }

    /// The place of the server's address, for a fix.
    pub(super) fn server_setting(&self) -> String {
        match &self.cluster {
            Some(cluster) => format!("server of cluster {cluster} in {}", self.place),
            None => "the address of the API server in this Pod".to_owned(),
        }
    }

    /// The place of the server's CA, for a fix.
    pub(super) fn ca_setting(&self) -> String {
        match &self.cluster {
            Some(cluster) => format!("certificate-authority-data of cluster {cluster} in {}", self.place),
            None => "the ConfigMap kube-root-ca.crt of this namespace".to_owned(),
        }
    }

    /// The user, for a cause.
    pub(super) fn user_setting(&self) -> String {
        match (&self.user, &self.cluster) {
            (Some(user), _) => format!("user {user} in {}", self.place),
            (None, Some(_)) => format!("the anonymous user (the context in {} names no user)", self.place),
            (None, None) => "the ServiceAccount of this Pod".to_owned(),
        }
    }
}
