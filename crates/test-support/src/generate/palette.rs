//! The names and values of generated objects.

/// The names and values that generated objects choose from.
pub struct Palette {
    /// Values of the chart's component label and of our gateway label, on objects and templates.
    pub labels: &'static [&'static str],
    /// Names of objects and containers.
    pub names: &'static [&'static str],
    /// Images.
    pub images: &'static [&'static str],
    /// Names of environment variables and keys of `ConfigMap`s.
    pub settings: &'static [&'static str],
    /// Prefixes of `envFrom`.
    pub prefixes: &'static [&'static str],
}

/// Gateways by image, by setting, by prefix and by label, and some non-gateway workloads.
pub static GATEWAYS: Palette = Palette {
    labels: &["self-hosted-gateway", "self-hosted-gateway", "true", "false", "api", ""],
    names: &[
        "orders",
        "apim-gateway",
        "apim-gateway-env",
        "default",
        "azure-api-management-gateway",
        "api",
        "über\nzwei",
    ],
    images: &[
        "mcr.microsoft.com/azure-api-management/gateway:2.9.2",
        "mcr.microsoft.com/azure-api-management/gateway:2.11.0",
        "mcr.microsoft.com/azure-api-management/gateway:v2",
        "MCR.microsoft.com:443/azure-api-management/gateway",
        "registry.example:5000/mirror/azure-api-management/gateway:2.12.0-preview-1",
        "registry.example/apim/gateway:beta",
        "mcr.microsoft.com/azure-api-management/gateway:2.9.0@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "mcr.microsoft.com/azure-api-management/gateway:<TAG> ",
        "busybox:1.36",
        "",
    ],
    settings: &[
        "config.service.auth",
        "CONFIG__SERVICE__AUTH",
        "Config:Service__auth",
        "config.service.auth.key",
        "config.service.endpoint",
        "Config__Service__Endpoint",
        "config.service.auth.azureAd.clientId",
        "gateway.name",
        "k8s.ingress.enabled",
        "K8S__INGRESS__ENABLED",
        "auth",
        "service.auth",
        "TOKEN",
        "telemetry.logs.std.level",
    ],
    prefixes: &["", "config.service.", "CONFIG__SERVICE__", "config.", "config_", "telemetry."],
};

/// Near misses only: no object made of these is a gateway.
pub static NON_GATEWAYS: Palette = Palette {
    labels: &["false", "api", "self-hosted-gateways", "True", ""],
    names: &["api", "web", "defaults", "azure-api-management-gateway", "apim-gateway-token"],
    images: &[
        "busybox:1.36",
        "registry.example/azure-api-management/gateway-helper:1",
        "azure-api-management-gateway",
        "registry.example/other/gateway",
        "",
    ],
    settings: &[
        "config.service",
        "configXserviceXauth",
        "CONFIG_SERVICE_AUTH",
        "my.config.service.auth",
        "gateway.name",
        "k8s.ingress.enabled",
        "TOKEN",
    ],
    prefixes: &["", "telemetry.", "config.services.", "x_"],
};

/// Values of settings: auth methods in several spellings, keys, paths, references, whitespace.
pub static VALUES: &[&str] = &[
    "workloadIdentity",
    "WorkloadIdentity ",
    "GatewayKey orders&202601010000&c2lnbmF0dXJl",
    "orders&202601010000&bm8gcHJlZml4IGJ1dCBhIGtleQ==",
    "azureAdApp",
    "key",
    "true",
    "",
    " ",
    "https://orders.configuration.azure-api.net",
    "$(TOKEN)",
    "GatewayKey $(TOKEN)",
    "$(config.service.auth)$$(TOKEN)",
    "/mnt/secrets/token",
    "file:///mnt/secrets/token",
];

/// Labels that rules read, and one that no rule reads.
pub static LABEL_KEYS: &[&str] =
    &["azure.workload.identity/use", "app.kubernetes.io/component", "apim-keyless.dev/gateway", "team.example/token"];

/// Annotations that rules read, and some that no rule reads.
pub static ANNOTATION_KEYS: &[&str] = &[
    "azure.workload.identity/client-id",
    "azure.workload.identity/tenant-id",
    "azure.workload.identity/client_id",
    "apim-keyless.dev/note",
    "team.example/token",
];

/// Values of annotations.
pub static ANNOTATIONS: &[&str] =
    &["00000000-0000-0000-0000-00000000000b", "", "GatewayKey orders&202601010000&c2lnbmF0dXJl", "workloadIdentity"];
