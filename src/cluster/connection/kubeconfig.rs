//! Finds the cluster as kubectl does: `--kubeconfig`, the files of `KUBECONFIG`, `~/.kube/config`, and last the
//! ServiceAccount of this Pod.

use super::error::{ConnectionError, names};
use super::{ConnectionSettings, ServerDescription, address};
use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use kube::Config;
use kube::config::{
    AuthInfo, Cluster, Context, InClusterError, KubeConfigOptions, Kubeconfig, KubeconfigError, LoadDataError,
};
use std::io::ErrorKind;
use std::path::Path;

/// How to get a kubeconfig.
const GET_ONE: &str = "get one from whoever runs the cluster (AKS: az aks get-credentials)";

/// The configuration of the client, and what messages say about its API server.
pub(super) async fn select(settings: &ConnectionSettings) -> Result<(Config, ServerDescription), ConnectionError> {
    match read(settings)? {
        Found::Files(place, kubeconfig) => of_kubeconfig(*kubeconfig, place, settings.context.as_deref()).await,
        Found::None(searched) => of_pod(&searched, settings.context.as_deref()),
    }
}

/// The names of the contexts that the files hold, in their order.
pub(super) fn contexts(settings: &ConnectionSettings) -> Result<Vec<String>, ConnectionError> {
    match read(settings)? {
        Found::Files(place, kubeconfig) if kubeconfig.contexts.is_empty() => {
            Err(ConnectionError::new(place, "it holds no context, so it names no cluster", GET_ONE))
        }
        Found::Files(_, kubeconfig) => Ok(kubeconfig.contexts.into_iter().map(|context| context.name).collect()),
        Found::None(searched) => Err(ConnectionError::new(searched, "the file does not exist", GET_ONE)),
    }
}

enum Found {
    /// The files, and their merged content.
    Files(String, Box<Kubeconfig>),
    /// No file; where one was searched.
    None(String),
}

fn read(settings: &ConnectionSettings) -> Result<Found, ConnectionError> {
    if let Some(path) = &settings.kubeconfig {
        let kubeconfig = read_file(path)?.ok_or_else(|| {
            ConnectionError::new(
                path.display().to_string(),
                "the file does not exist",
                "check the path of --kubeconfig",
            )
        })?;
        return Ok(Found::Files(path.display().to_string(), Box::new(kubeconfig)));
    }
    let (files, variable) = match settings.environment_files.as_slice() {
        [] => (settings.default_file.as_slice(), ""),
        files => (files, " (KUBECONFIG)"),
    };
    let mut places = Vec::new();
    let mut merged = Kubeconfig::default();
    for file in files {
        if let Some(kubeconfig) = read_file(file)? {
            places.push(file.display().to_string());
            merged = merged.merge(kubeconfig).map_err(|error| unusable(&places.join(", "), &error))?;
        }
    }
    let is_empty = merged.contexts.is_empty() && merged.clusters.is_empty();
    if places.is_empty() || is_empty && merged.current_context.is_none() && merged.auth_infos.is_empty() {
        let searched: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
        return Ok(Found::None(format!("{}{variable}", searched.join(", "))));
    }
    Ok(Found::Files(format!("{}{variable}", places.join(", ")), Box::new(merged)))
}

/// The content of one file; `None` if it does not exist.
fn read_file(path: &Path) -> Result<Option<Kubeconfig>, ConnectionError> {
    let place = path.display().to_string();
    match Kubeconfig::read_from(path) {
        Err(KubeconfigError::ReadConfig(cause, _)) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unusable(&place, &error)),
        Ok(Kubeconfig { kind: Some(kind), .. }) if kind != "Config" => {
            Err(ConnectionError::new(place, format!("this is a {kind} and not a kubeconfig (kind: Config)"), GET_ONE))
        }
        Ok(kubeconfig) => Ok(Some(kubeconfig)),
    }
}

async fn of_kubeconfig(
    mut kubeconfig: Kubeconfig,
    place: String,
    context: Option<&str>,
) -> Result<(Config, ServerDescription), ConnectionError> {
    let (name, context) = context_of(&kubeconfig, &place, context)?;
    let wrong = |cause: String, fix: String| ConnectionError::new(place.clone(), cause, fix);
    let named = kubeconfig.clusters.iter_mut().find(|one| !context.cluster.is_empty() && one.name == context.cluster);
    let Some(cluster) = named.and_then(|one| one.cluster.as_mut()) else {
        let there = names(kubeconfig.clusters.iter().map(|one| one.name.as_str()));
        let cause = match context.cluster.as_str() {
            "" => format!("context {name} names no cluster"),
            cluster => format!("context {name} names cluster {cluster}, which is not there"),
        };
        return Err(wrong(cause, format!("set cluster in the context to one of these: {there}")));
    };
    unset_empty(cluster);
    let url = url_of(cluster, &context.cluster).map_err(|cause| wrong(cause, "write https://HOST:PORT".to_owned()))?;
    let has_own_proxy = cluster.proxy_url.is_some();
    let user = context.user.clone().filter(|user| !user.is_empty());
    if let Some(user) = &user {
        let Some(named) = kubeconfig.auth_infos.iter_mut().find(|one| one.name == *user) else {
            let there = names(kubeconfig.auth_infos.iter().map(|one| one.name.as_str()));
            let cause = format!("context {name} names user {user}, who is not there");
            return Err(wrong(cause, format!("set user in the context to one of these: {there}")));
        };
        named.auth_info.as_mut().map(unset_empty_credentials);
    }
    let options = KubeConfigOptions { context: Some(name), ..KubeConfigOptions::default() };
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| of_cluster(&place, &context.cluster, &error))?;
    if config.root_cert.as_ref().is_some_and(Vec::is_empty) {
        let cause = format!("the certificate authority of cluster {} holds no certificate", context.cluster);
        return Err(wrong(cause, "replace it with the CA's certificate in PEM form".to_owned()));
    }
    // kube compares NO_PROXY with the address of the proxy; kubectl uses no proxy for this machine
    if !has_own_proxy && (address::is_local(&url) || Matcher::from_env().intercept(&url).is_none()) {
        config.proxy_url = None;
    }
    let server = ServerDescription {
        url: address::display(&url),
        place,
        cluster: Some(context.cluster),
        user,
        proxy: config.proxy_url.as_ref().map(address::display),
        expired_certificate: None,
    };
    Ok((config, server))
}

/// The URL of the API server of a cluster with this name, or why there is none.
fn url_of(cluster: &Cluster, name: &str) -> Result<Uri, String> {
    let text = cluster.server.as_deref().unwrap_or_default();
    address::check(text).map_err(|problem| match text {
        "" => format!("cluster {name} has no server"),
        _ => format!("server of cluster {name} {}", problem.cause()),
    })
}

/// The context to use, with its name.
fn context_of(
    kubeconfig: &Kubeconfig,
    place: &str,
    requested: Option<&str>,
) -> Result<(String, Context), ConnectionError> {
    let wrong = |cause: String, fix: String| Err(ConnectionError::new(place, cause, fix));
    if kubeconfig.contexts.is_empty() {
        return wrong("it holds no context, so it names no cluster".to_owned(), GET_ONE.to_owned());
    }
    let there = names(kubeconfig.contexts.iter().map(|one| one.name.as_str()));
    let current = kubeconfig.current_context.as_deref().filter(|name| !name.is_empty());
    let Some(name) = requested.or(current) else {
        return wrong("no current context is set".to_owned(), format!("choose one with --context: {there}"));
    };
    let named = kubeconfig.contexts.iter().find(|one| one.name == name);
    if let Some(context) = named.and_then(|one| one.context.clone()) {
        return Ok((name.to_owned(), context));
    }
    let source = if requested.is_some() { "" } else { ", which current-context names" };
    wrong(format!("there is no context {name}{source}"), format!("choose one with --context: {there}"))
}

/// An empty text counts as absent, as for kubectl.
fn unset_empty(cluster: &mut Cluster) {
    let Cluster { certificate_authority, certificate_authority_data, proxy_url, tls_server_name, .. } = cluster;
    for text in [certificate_authority, certificate_authority_data, proxy_url, tls_server_name] {
        text.take_if(|text| text.is_empty());
    }
}

fn unset_empty_credentials(user: &mut AuthInfo) {
    let AuthInfo { token_file, client_certificate, client_certificate_data, client_key, impersonate, .. } = user;
    for text in [token_file, client_certificate, client_certificate_data, client_key, impersonate] {
        text.take_if(|text| text.is_empty());
    }
}

/// Why a file cannot be used as a kubeconfig. The parser's message is dropped, because it quotes the file.
fn unusable(place: &str, error: &KubeconfigError) -> ConnectionError {
    match error {
        KubeconfigError::ReadConfig(cause, _) => {
            let (cause, fix) = of_io(cause.kind());
            ConnectionError::new(place, cause, fix)
        }
        KubeconfigError::Parse(error) => {
            let at = error.location().filter(|at| at.line() > 0);
            let place = at.map_or_else(|| place.to_owned(), |at| format!("{place}:{}:{}", at.line(), at.column()));
            let fix = format!("correct it here, or {GET_ONE}");
            ConnectionError::new(place, "this is not a kubeconfig in YAML", fix)
        }
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            let cause = "these files do not have the same kind and apiVersion";
            ConnectionError::new(place, cause, "write apiVersion: v1 and kind: Config into each")
        }
        other => ConnectionError::new(place, format!("it cannot be used: {other}"), GET_ONE),
    }
}

/// Why a file cannot be read, and what to do.
fn of_io(kind: ErrorKind) -> (&'static str, &'static str) {
    match kind {
        ErrorKind::NotFound => ("the file does not exist", "check the path"),
        ErrorKind::PermissionDenied => ("permission denied", "make the file readable for this user"),
        ErrorKind::IsADirectory => ("this is a folder", "name a file"),
        ErrorKind::InvalidData => ("the file is not text in UTF-8", "save it as UTF-8"),
        _ => ("the file cannot be read", "check the disk, or choose another file"),
    }
}

/// Why the entry of a cluster cannot be used.
fn of_cluster(place: &str, cluster: &str, error: &KubeconfigError) -> ConnectionError {
    match error {
        KubeconfigError::LoadCertificateAuthority(error) => {
            of_data(place, &format!("certificate-authority of cluster {cluster}"), error)
        }
        KubeconfigError::ParseCertificates(_) => {
            let cause = format!("the certificate authority of cluster {cluster} is not in PEM form");
            ConnectionError::new(place, cause, "replace it with the CA's certificate in PEM form")
        }
        KubeconfigError::ParseProxyUrl(_) => {
            let cause = format!("proxy-url of cluster {cluster}, or HTTPS_PROXY, is not a URL");
            ConnectionError::new(place, cause, "write http://HOST:PORT")
        }
        KubeconfigError::ParseNoProxy(_) => {
            ConnectionError::new("NO_PROXY", "it is not a list of hosts", "write host names, separated by commas")
        }
        other => unusable(place, other),
    }
}

/// Why base64 data, or the file in its place, cannot be used.
pub(super) fn of_data(place: &str, field: &str, error: &LoadDataError) -> ConnectionError {
    match error {
        LoadDataError::DecodeBase64(_) => {
            let fix = "write the PEM file as base64 (base64 -w0 FILE), or get a new kubeconfig";
            ConnectionError::new(place, format!("{} is not base64", data_field(field)), fix)
        }
        LoadDataError::ReadFile(cause, path) => {
            let (cause, fix) = of_io(cause.kind());
            ConnectionError::new(path.display().to_string(), format!("{cause} ({field} in {place})"), fix)
        }
        LoadDataError::NoBase64DataOrFile => ConnectionError::new(
            place,
            format!("{field} is missing"),
            "add it; a certificate and its key need each other",
        ),
    }
}

/// `client-key-data of user a` for `client-key of user a`
fn data_field(field: &str) -> String {
    field.split_once(' ').map_or_else(|| field.to_owned(), |(name, of)| format!("{name}-data {of}"))
}

/// The cluster that this process runs in.
fn of_pod(searched: &str, context: Option<&str>) -> Result<(Config, ServerDescription), ConnectionError> {
    if let Some(context) = context {
        let cause = format!("there is no context {context}: {}", no_kubeconfig(searched));
        return Err(ConnectionError::new("--context", cause, "set --kubeconfig, or leave --context out"));
    }
    let place = "the ServiceAccount of this Pod";
    let config = Config::incluster().map_err(|error| match error {
        InClusterError::ReadEnvironmentVariable(_) => {
            let (files, variable) = match searched {
                "" => (String::new(), ""),
                _ => (format!(" {},", no_kubeconfig(searched)), " or KUBECONFIG"),
            };
            let cause = format!("it is not set,{files} and this process does not run in a Pod");
            ConnectionError::new("--kubeconfig", cause, format!("set --kubeconfig{variable}, or {GET_ONE}"))
        }
        InClusterError::ReadDefaultNamespace(_) | InClusterError::ReadCertificateBundle(_) => {
            let fix = "set automountServiceAccountToken: true in the Pod, or set --kubeconfig";
            ConnectionError::new(place, "no token is mounted", fix)
        }
        InClusterError::ParseCertificates(_) => {
            ConnectionError::new(place, "ca.crt holds no certificate", "recreate the Pod")
        }
        InClusterError::ParseClusterPort(_) | InClusterError::ParseClusterUrl(_) => {
            let cause = "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT name no address";
            ConnectionError::new(place, cause, "remove them from the Pod: the kubelet sets them")
        }
    })?;
    let server = ServerDescription {
        url: address::display(&config.cluster_url),
        place: place.to_owned(),
        cluster: None,
        user: None,
        proxy: None,
        expired_certificate: None,
    };
    Ok((config, server))
}

fn no_kubeconfig(searched: &str) -> String {
    match searched {
        "" => "no kubeconfig is set".to_owned(),
        files => format!("{files} does not exist or is empty"),
    }
}
