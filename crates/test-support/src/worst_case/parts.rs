//! All parts.

use super::Part;
use super::Place::{Commands, Container, Metadata, Pod, PodMetadata, Root};

/// A text sixteen times.
macro_rules! sixteen {
    ($text:expr) => {
        concat!(
            $text, $text, $text, $text, $text, $text, $text, $text, $text, $text, $text, $text, $text, $text, $text,
            $text
        )
    };
}

const ENV: super::Place = Container("env");
const ENV_FROM: super::Place = Container("envFrom");
const MOUNTS: super::Place = Container("volumeMounts");
const ARGS: super::Place = Container("args");
const UNKNOWN: super::Place = Container("resources");
const VOLUMES: super::Place = Pod("volumes");
const LABELS: super::Place = PodMetadata("labels");
const IDENTITY: super::Place = Metadata("annotations");
const ANNOTATIONS: super::Place = PodMetadata("annotations");

/// A variable with a text of the length in the shape.
const TEXT: &str = r#"{"name":"T","value":"~"}"#;
/// A variable with a text that fits into a word of a command.
const WORD: &str = r#"{"name":"T","value":"config.service.aut config.service.auth config.service.auth"}"#;
/// A variable from a Secret with a long name.
const SECRET: &str = r#"{"name":"T","valueFrom":{"secretKeyRef":{"name":"~","key":"k"}}}"#;
/// A variable with an unknown value.
const NODE: &str = r#"{"name":"T","valueFrom":{"fieldRef":{"fieldPath":"spec.nodeName"}}}"#;

/// An auth setting with as many placeholders as fit into a value that is read.
const AUTH_PLACEHOLDERS: &str = concat!(
    r#"{"name":"config.service.auth","value":""#,
    sixteen!(sixteen!("<>")),
    sixteen!("#{}."),
    sixteen!(sixteen!("#{")),
    r#""}"#
);

/// All parts.
pub static PARTS: &[Part] = &[
    // environment entries
    Part::list("env: empty entries", ENV, "{}"),
    Part::list("env: names", ENV, r#"{"name":"v#"}"#),
    Part::list("env: values", ENV, r#"{"name":"v#","value":"~"}"#),
    Part::list("env: long names", ENV, r#"{"name":"~#"}"#),
    Part::list("env: upper-case names", ENV, r#"{"name":"C__A_B__C:#"}"#),
    Part::list("env: auth keys", ENV, r#"{"name":"config.service.auth","value":"GatewayKey ~"}"#),
    Part::list("env: auth values", ENV, r#"{"name":"config.service.auth","value":"~"}"#),
    Part::list("env: auth placeholders", ENV, AUTH_PLACEHOLDERS),
    Part::list("env: empty auth settings", ENV, r#"{"name":"config.service.auth"}"#),
    Part::list("env: other methods", ENV, r#"{"name":"config.service.auth","value":"x"}"#),
    Part::list("env: auth key settings", ENV, r#"{"name":"config.service.auth.key","value":"x"}"#),
    Part::list("env: spellings", ENV, r#"{"name":"DOTNET_CONFIG__Service:AUTH","value":"x"}"#),
    Part::list("env: spellings of ingress", ENV, r#"{"name":"k8s.ingress.enabled^","value":"true"}"#),
    Part::list("env: ingress", ENV, r#"{"name":"k8s.ingress.enabled","value":"true"}"#),
    Part::list("env: client secrets", ENV, r#"{"name":"config.service.auth.azureAd.clientSecret","value":"x"}"#),
    Part::list("env: endpoints", ENV, r#"{"name":"config.service.endpoint","value":"~"}"#),
    Part::list("env: gateway names", ENV, r#"{"name":"gateway.name","value":"~"}"#),
    Part::list("env: identity variables", ENV, r#"{"name":"AZURE_CLIENT_ID","value":"x"}"#),
    Part::list("env: token files", ENV, r#"{"name":"AZURE_FEDERATED_TOKEN_FILE","value":"/a/b"}"#),
    Part::list("env: paths", ENV, r#"{"name":"config.service.auth","value":"/a/b/c"}"#),
    Part::list("env: paths of parts", ENV, r#"{"name":"config.service.auth","value":"/a/a/a/a/a/a/a/a/a/a/a/a/a/a"}"#),
    Part::list(
        "env: Secrets",
        ENV,
        r#"{"name":"config.service.auth","valueFrom":{"secretKeyRef":{"name":"s","key":"k"}}}"#,
    ),
    Part::list(
        "env: optional keys",
        ENV,
        r#"{"name":"v#","valueFrom":{"configMapKeyRef":{"name":"m","key":"x","optional":true}}}"#,
    ),
    Part::list(
        "env: keys of ConfigMaps",
        ENV,
        r#"{"name":"config.service.auth","valueFrom":{"configMapKeyRef":{"name":"m","key":"k1"}}}"#,
    ),
    Part::list(
        "env: long keys of ConfigMaps",
        ENV,
        r#"{"name":"config.service.auth","valueFrom":{"configMapKeyRef":{"name":"m","key":"long"}}}"#,
    ),
    Part::list(
        "env: annotations",
        ENV,
        r#"{"name":"config.service.auth","valueFrom":{"fieldRef":{"fieldPath":"metadata.annotations['t']"}}}"#,
    ),
    Part::list(
        "env: files",
        ENV,
        r#"{"name":"config.service.auth","valueFrom":{"fileKeyRef":{"volumeName":"v","key":"k"}}}"#,
    ),
    // references
    Part::list("env: chain", ENV, r#"{"name":"v#","value":"$(v%)"}"#),
    Part::list("env: doubling chain", ENV, r#"{"name":"v#","value":"$(v%)$(v%)"}"#),
    Part::list(
        "env: doubling auth",
        ENV,
        r#"{"name":"config.service.auth","value":"$(config.service.auth)$(config.service.auth)"}"#,
    ),
    Part::list("env: references to a text", ENV, r#"{"name":"v#","value":"$(T)"}"#).with_variables(TEXT),
    Part::list("env: auth references to a text", ENV, r#"{"name":"config.service.auth","value":"$(T)"}"#)
        .with_variables(TEXT),
    Part::list("env: auth references to a Secret", ENV, r#"{"name":"config.service.auth","value":"$(T)"}"#)
        .with_variables(SECRET),
    Part::list("env: absent references", ENV, r#"{"name":"v#","value":"$(a#)"}"#),
    Part::text("env: many references to a text", ENV, [r#"{"name":"v","value":""#, "$(T)", r#""}"#])
        .with_variables(TEXT),
    Part::text("env: many references in auth", ENV, [r#"{"name":"config.service.auth","value":""#, "$(T)", r#""}"#])
        .with_variables(TEXT),
    Part::text(
        "env: many references in auth after a text",
        ENV,
        [r#"{"name":"config.service.auth","value":"x"#, "$(T)", r#""}"#],
    )
    .with_variables(TEXT),
    Part::text("env: many unknown references", ENV, [r#"{"name":"config.service.auth","value":""#, "$(T)", r#""}"#])
        .with_variables(NODE),
    Part::text("env: many absent references", ENV, [r#"{"name":"v","value":""#, "$(p)", r#""}"#]),
    Part::text("env: many empty references", ENV, [r#"{"name":"config.service.auth","value":""#, "$()", r#""}"#]),
    Part::text("env: unfinished references", ENV, [r#"{"name":"config.service.auth","value":""#, "$(", r#""}"#]),
    Part::text("env: dollars", ENV, [r#"{"name":"config.service.auth","value":""#, "$", r#""}"#]),
    Part::text("env: a text", ENV, [r#"{"name":"config.service.auth","value":""#, "a", r#""}"#]),
    Part::text("env: a text of spaces", ENV, [r#"{"name":"config.service.auth","value":""#, " ", r#""}"#]),
    Part::text("env: an endpoint", ENV, [r#"{"name":"config.service.endpoint","value":""#, "a.", r#""}"#]),
    Part::text("env: a name", ENV, [r#"{"name":"config.service."#, "_", r#""}"#]),
    // sources
    Part::list("envFrom: empty", ENV_FROM, "{}"),
    Part::list("envFrom: found with prefix", ENV_FROM, r#"{"prefix":"x#","configMapRef":{"name":"m"}}"#),
    Part::list("envFrom: found with long prefix", ENV_FROM, r#"{"prefix":"~","configMapRef":{"name":"m"}}"#),
    Part::list("envFrom: found", ENV_FROM, r#"{"configMapRef":{"name":"m"}}"#),
    Part::list("envFrom: unknown with prefix", ENV_FROM, r#"{"prefix":"p#","configMapRef":{"name":"u"}}"#),
    Part::list("envFrom: unknown with names", ENV_FROM, r#"{"configMapRef":{"name":"u#"}}"#),
    Part::list("envFrom: unknown", ENV_FROM, r#"{"configMapRef":{"name":"~"}}"#),
    Part::list("envFrom: Secrets with prefix", ENV_FROM, r#"{"prefix":"p#","secretRef":{"name":"u"}}"#),
    Part::list("envFrom: Secrets", ENV_FROM, r#"{"secretRef":{"name":"u"}}"#),
    Part::list("envFrom: hiding prefixes", ENV_FROM, r#"{"prefix":"config.service.a","configMapRef":{"name":"m"}}"#),
    Part::list("envFrom: completing prefixes", ENV_FROM, r#"{"prefix":"config.","configMapRef":{"name":"m"}}"#),
    Part::text("envFrom: a config prefix", ENV_FROM, [r#"{"prefix":"config__service__"#, "C_", r#""}"#]),
    Part::text("envFrom: a prefix", ENV_FROM, [r#"{"prefix":""#, "C_", r#"","configMapRef":{"name":"m"}}"#]),
    // mounts and volumes
    Part::list("mounts: empty", MOUNTS, "{}"),
    Part::list("mounts: of a Secret", MOUNTS, r#"{"name":"s","mountPath":"/x#"}"#),
    Part::list("mounts: at one path", MOUNTS, r#"{"name":"n","mountPath":"/a/b"}"#),
    Part::list("mounts: long names", MOUNTS, r#"{"name":"~","mountPath":"/a/b"}"#),
    Part::list("mounts: of image volumes", MOUNTS, r#"{"name":"i#"}"#),
    Part::list("mounts: settings files", MOUNTS, r#"{"name":"s","mountPath":"/appsettings.json"}"#),
    Part::text("mounts: a path", MOUNTS, [r#"{"name":"s","mountPath":""#, "a/", r#""}"#]),
    Part::list("volumes: empty", VOLUMES, "{}"),
    Part::list("volumes: names", VOLUMES, r#"{"name":"v#"}"#),
    Part::list("volumes: Secrets", VOLUMES, r#"{"name":"s","secret":{}}"#),
    Part::list("volumes: images", VOLUMES, r#"{"name":"i#","image":{"reference":"azure-api-management/gateway:2.9"}}"#),
    Part::text("volumes: sources", VOLUMES, [r#"{"name":"s","projected":{"sources":[{}"#, ",{}", "]}}"]),
    Part::text("volumes: items", VOLUMES, [r#"{"name":"s","secret":{"items":[{}"#, ",{}", "]}}"]),
    // commands
    Part::list("args: empty words", ARGS, r#""""#),
    Part::list("args: words", ARGS, r#""c~""#),
    Part::list("args: names", ARGS, r#""--config.service.auth""#),
    Part::list("args: references", ARGS, r#""$(T)""#).with_variables(TEXT),
    Part::list("args: references to a word", ARGS, r#""$(T)""#).with_variables(WORD),
    Part::text("args: many references to a word", ARGS, ["\"", "$(T)", "\""]).with_variables(WORD),
    Part::text("args: many unknown references", ARGS, ["\"", "$(T)", "\""]).with_variables(NODE),
    Part::text("args: many unknown names", ARGS, ["\"", "$(T)= ", "\""]).with_variables(NODE),
    Part::text("args: many absent references", ARGS, ["\"", "$(p)", "\""]),
    Part::text("args: config", ARGS, ["\"", "config", "\""]),
    Part::text("args: names in a word", ARGS, ["\"", " config.service.auth", "\""]),
    Part::text("args: quotes", ARGS, ["\"c", "{:\\n", "\""]),
    Part::text("args: colons", ARGS, ["\"c", ": ", "\""]),
    Part::text("commands: config", Commands, ["\"", "config", "\""]),
    Part::list("commands: references", Commands, r#""$(T)""#).with_variables(TEXT),
    Part::list("commands: empty words", Commands, r#""""#),
    // unknown members
    Part::list("unknown: numbers", UNKNOWN, "0"),
    Part::list("unknown: empty lists", UNKNOWN, "[]"),
    Part::list("unknown: empty mappings", UNKNOWN, "{}"),
    Part::text("unknown: escapes", UNKNOWN, ["\"", r"\u00e9", "\""]),
    Part::text("unknown: a text", UNKNOWN, ["\"", "aaaaaaaa", "\""]),
    Part::text("unknown: many keys", UNKNOWN, [r#"{"a":0"#, r#","k":0"#, "}"]),
    // containers
    Part::list("containers: empty", Pod("containers"), "{}"),
    Part::list("containers: names", Pod("containers"), r#"{"name":"c#"}"#),
    Part::list("containers: old images", Pod("containers"), r#"{"image":"azure-api-management/gateway:1"}"#),
    Part::list("containers: long images", Pod("containers"), r#"{"image":"azure-api-management/gateway:~"}"#),
    Part::list(
        "containers: images by digest",
        Pod("containers"),
        r#"{"image":"azure-api-management/gateway@sha256:0"}"#,
    ),
    Part::list(
        "containers: keys",
        Pod("containers"),
        r#"{"name":"c#","env":[{"name":"config.service.auth","value":"x"}]}"#,
    ),
    Part::list(
        "containers: endpoints",
        Pod("containers"),
        r#"{"name":"c#","env":[{"name":"config.service.endpoint","value":"x"}]}"#,
    ),
    Part::list("containers: ConfigMaps", Pod("containers"), r#"{"envFrom":[{"configMapRef":{"name":"m"}}]}"#),
    Part::list("containers: arguments", Pod("containers"), r#"{"args":["config.service.auth=x"]}"#),
    Part::list("containers: paths", Pod("containers"), r#"{"env":[{"name":"config.service.auth","value":"/a/b/c"}]}"#),
    Part::list(
        "containers: ingress",
        Pod("containers"),
        r#"{"image":"azure-api-management/gateway","env":[{"name":"k8s.ingress.enabled","value":"true"}]}"#,
    ),
    Part::list("containers: mounts", Pod("containers"), r#"{"volumeMounts":[{"name":"i1"},{"name":"i2"}]}"#),
    Part::list("initContainers: empty", Pod("initContainers"), "{}"),
    Part::list("ephemeralContainers: empty", Pod("ephemeralContainers"), "{}"),
    // metadata
    Part::list("labels: short", LABELS, r##""#":"""##),
    Part::list(
        "labels: near misses",
        LABELS,
        r#""azure.workload.identity/service-account-tokn-expirtion-for-gateways-#":"""#,
    ),
    Part::list(
        "labels: near prefixes",
        LABELS,
        r#""azure-workload-identity.io/service-account-tokn-expirtion-for-all-#":"""#,
    ),
    Part::list("labels: our keys", LABELS, r#""apim-keyless.dev/#":"""#),
    Part::list("annotations: near misses", ANNOTATIONS, r#""azure.workload.identity/client#":"""#),
    Part::list("annotations: known keys", ANNOTATIONS, r#""azure.workload.identity/use-#":"""#),
    Part::text("annotations: a text", ANNOTATIONS, [r#""t":""#, "a", "\""]),
    Part::text(
        "annotations: skipped containers",
        ANNOTATIONS,
        [r#""azure.workload.identity/skip-containers":""#, "a;", "\""],
    ),
    Part::list("metadata: labels", Metadata("labels"), r##""#":"""##),
    Part::list(
        "metadata: near misses",
        Metadata("labels"),
        r#""azure.workload.identity/service-account-tokn-expirtion-for-gateways-#":"""#,
    ),
    Part::list("metadata: annotations", Metadata("annotations"), r#""azure.workload.identity/client#":"~""#),
    Part::text("metadata: a client id", IDENTITY, [r#""azure.workload.identity/client-id":""#, "a", "\""]),
    Part::text("metadata: a tenant id", IDENTITY, [r#""azure.workload.identity/tenant-id":""#, "0-", "\""]),
    Part::text(
        "metadata: a token expiration",
        IDENTITY,
        [r#""azure.workload.identity/service-account-token-expiration":""#, "0", "\""],
    ),
    Part::text("metadata: a list of names", IDENTITY, [r#""apim-keyless.dev/config-map":""#, "a,", "\""]),
    Part::text("metadata: a list of blanks", IDENTITY, [r#""apim-keyless.dev/client-id":""#, " ", "\""]),
    Part::list("metadata: owners", Metadata("ownerReferences"), "{}"),
    Part::text(
        "metadata: managed fields",
        Metadata("managedFields"),
        [r#"{"fieldsV1":{"f:a":{}"#, r#","f:#":{}"#, "}}"],
    ),
    // ConfigMaps
    Part::list("data: short keys", Root("data"), r##""#":"""##),
    Part::list("data: keys with a C", Root("data"), r#""C_#":"""#),
    Part::list("data: spellings", Root("data"), r#""config.service.auth^":"x""#),
    Part::list("data: other settings", Root("data"), r#""config.service.#":"x""#),
    Part::list("data: endpoints", Root("data"), r#""config.service.endpoint^":"~""#),
    Part::list("data: values", Root("data"), r##""#":"~""##),
    Part::text("data: escapes", Root("data"), [r#""a":""#, r"\u00e9", "\""]),
    Part::list("data: duplicates", Root("data"), r#""a":"""#),
    Part::list("binaryData: spellings", Root("binaryData"), r#""config.service.auth^":"""#),
];
