//! Image names. Each was checked by hand against the grammar of the distribution project (`reference/regexp.go` and
//! `normalize.go`): its host, port, path, tag and digest, or that it is not a valid name.

use apim_keyless_core::gateway::ImageVersion::{
    self, Older, PinnedToUnknownDigest, Preview, Rolling, Supported, Unverifiable,
};
use apim_keyless_core::gateway::{ImageName, Images};
use apim_keyless_core::policy::{FIRST_VERSION, Policy};

/// The expected result for a group of names.
struct Known {
    /// Is it valid by the grammar?
    is_name: bool,
    /// Is it a gateway's image?
    is_gateway: bool,
    version: ImageVersion,
    names: &'static [&'static str],
}

const SUPPORTED: Known = Known {
    is_name: true,
    is_gateway: true,
    version: Supported,
    names: &[
        "mcr.microsoft.com/azure-api-management/gateway:2.11.0",
        "MCR.MICROSOFT.COM/azure-api-management/gateway:2.11.1",
        "mcr.microsoft.com:443/azure-api-management/gateway:v2.11.1",
        "mcr.microsoft.com:5000/azure-api-management/gateway:2.11.1",
        "localhost/azure-api-management/gateway:2.11.1",
        "localhost:443/azure-api-management/gateway:2.11.1",
        "LOCALHOST:443/azure-api-management/gateway:2.11.1",
        "10.0.0.1:5000/azure-api-management/gateway:2.11.1",
        "[::1]:5000/azure-api-management/gateway:2.11.1",
        "[2001:db8::1]/azure-api-management/gateway:2.11.1",
        "[2001:DB8::1]:443/mirror/azure-api-management/gateway:2.11.1",
        "a.b/azure-api-management/gateway:2.11.1",
        "a:1/azure-api-management/gateway:2.11.1",
        "xn--mirror-4ya.example/azure-api-management/gateway:2.11.1",
        "a-b.example/azure-api-management/gateway:2.11.1",
        "contoso.azurecr.io/a/b/c/d/azure-api-management/gateway:2.11.1",
        "contoso.azurecr.io/a__b/azure-api-management/gateway:2.11.1",
        "contoso.azurecr.io/a.b/azure-api-management/gateway:2.11.1",
        "contoso.azurecr.io/a---b/azure-api-management/gateway:2.11.1",
        "index.docker.io/azure-api-management/gateway:2.11.1",
        "docker.io/azure-api-management/gateway:2.11.1",
        "azure-api-management/gateway:2.11.1",
        "mirror/azure-api-management/gateway:2.11.1",
        "registry.example/apim/gateway:2.11.1",
        "REGISTRY.example:443/apim/gateway:2.11.1",
        "docker.io/library/own:2.11.1",
        "index.docker.io/own:2.11.1",
        "docker.io/own:2.11.1",
        "library/own:2.11.1",
        "own:2.11.1",
        "own:10.0.0",
        "own:2.100.0",
        // the digest decides, whatever the tag is
        "own@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "own:2.9.2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "mcr.microsoft.com/azure-api-management/gateway:orders@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ],
};
const OLDER: Known = Known {
    is_name: true,
    is_gateway: true,
    version: Older,
    names: &[
        "mcr.microsoft.com/azure-api-management/gateway:2.10.9",
        "mcr.microsoft.com/azure-api-management/gateway:2.9",
        "mcr.microsoft.com:443/azure-api-management/gateway:v1",
        "localhost:2/azure-api-management/gateway:1.2.3",
        "[::1]:5000/azure-api-management/gateway:2.9.2",
        "[fe80::1]/azure-api-management/gateway:beta",
        "azure-api-management/gateway:0",
        "mirror.example/azure-api-management/gateway:2.11.0-rc.1",
        "mirror.example/azure-api-management/gateway:2.11.0-beta",
        "mirror.example/azure-api-management/gateway:2.10.0-own",
        "mirror.example/azure-api-management/gateway:v2.10",
        "own:2.9.2",
        "own:2.9.2@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
        "own@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
        "own:2.11.1@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
        "registry.example/apim/gateway:2.9.2",
    ],
};
const ROLLING: Known = Known {
    is_name: true,
    is_gateway: true,
    version: Rolling,
    names: &[
        "mcr.microsoft.com/azure-api-management/gateway",
        "mcr.microsoft.com:443/azure-api-management/gateway",
        "localhost:5000/azure-api-management/gateway:latest",
        "[::1]:5000/azure-api-management/gateway",
        "azure-api-management/gateway:v2",
        "azure-api-management/gateway:3",
        "own",
        "own:latest",
        "own:2.11",
        "docker.io/own",
    ],
};
const PREVIEW: Known = Known {
    is_name: true,
    is_gateway: true,
    version: Preview,
    names: &["own:2.12.0-preview-1", "own:2.12.0-alpha", "own:v2-preview", "own:v2.12.0-rc.2"],
};
const PINNED_TO_UNKNOWN_DIGEST: Known = Known {
    is_name: true,
    is_gateway: true,
    version: PinnedToUnknownDigest,
    names: &["own:2.11.1@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"],
};

const UNVERIFIABLE: Known = Known {
    is_name: true,
    is_gateway: true,
    version: Unverifiable,
    names: &[
        "own:orders",
        "own:LATEST",
        "own:V2",
        "own:2.11.1.0",
        "own:2.11.1_1",
        "own:_2.11.1",
        "own:02.11.1",
        "own:v",
        "own:2.11.1-own",
        "own:vv2.11.1",
        "own:18446744073709551616.0.0",
        "own@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    ],
};
const INVALID_GATEWAY_NAMES: Known = Known {
    is_name: false,
    is_gateway: true,
    version: Unverifiable,
    names: &[
        "mcr.microsoft.com/azure-api-management/gateway:",
        "mcr.microsoft.com/azure-api-management/gateway@",
        "mcr.microsoft.com/azure-api-management/gateway:2.9.2:2.11.1",
        "mcr.microsoft.com/azure-api-management/gateway:-2.11.1",
        "mcr.microsoft.com/azure-api-management/gateway:2.11.1 ",
        " mcr.microsoft.com/azure-api-management/gateway:2.11.1",
        "mcr.microsoft.com/azure-api-management/gateway:2.11.1\n",
        "mcr.microsoft.com/Azure-API-Management/Gateway:2.11.1",
        "mcr.microsoft.com//azure-api-management/gateway:2.11.1",
        "https://mcr.microsoft.com/azure-api-management/gateway:2.11.1",
        "docker://mcr.microsoft.com/azure-api-management/gateway:2.11.1",
        "mcr.microsoft.com:/azure-api-management/gateway:2.11.1",
        "mcr.microsoft.com:a/azure-api-management/gateway:2.11.1",
        "-mcr.microsoft.com/azure-api-management/gateway:2.11.1",
        "mcr_microsoft.com:5000/azure-api-management/gateway:2.11.1",
        "user@mcr.microsoft.com/azure-api-management/gateway:2.11.1",
        "[::g]:5000/azure-api-management/gateway:2.11.1",
        "[::1/azure-api-management/gateway:2.11.1",
        "[::1]x/azure-api-management/gateway:2.11.1",
        "[::1]:a/azure-api-management/gateway:2.11.1",
        "a/./azure-api-management/gateway:2.11.1",
        "a/../azure-api-management/gateway:2.11.1",
        "/azure-api-management/gateway:2.11.1",
        "mcr.microsoft.com/azure-api-management/gateway:$(TAG)",
        "{{ .Values.registry }}/azure-api-management/gateway:2.9.2",
        "mcr.microsoft.com/azure-api-management/gateway@sha256:aaaa",
        "mcr.microsoft.com/azure-api-management/gateway@md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "mcr.microsoft.com/azure-api-management/gateway@sha256:gggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggggg",
    ],
};
const OTHER_IMAGES: Known = Known {
    is_name: true,
    is_gateway: false,
    version: Supported,
    names: &[
        "mcr.microsoft.com/azure-api-management/gateway2:2.11.1",
        "mcr.microsoft.com/azure-api-management/gateway.evil:2.11.1",
        "mcr.microsoft.com/azure-api-management/gateway/x:2.11.1",
        "mcr.microsoft.com/azure-api-management.evil/gateway:2.11.1",
        "mcr.microsoft.com/x-azure-api-management/gateway:2.11.1",
        "azure-api-management.example/gateway:2.11.1",
        "azure-api-management:443/gateway:2.11.1",
        "azure-api-management.gateway:2.11.1",
        "registry.example.evil/apim/gateway:2.11.1",
        "registry.example:5000/apim/gateway:2.11.1",
        "evil.registry.example/apim/gateway:2.11.1",
        "registry.example/apim/gateway/x:2.11.1",
        "registry.example/apim/gateway2:2.11.1",
        "registry.example/x/apim/gateway:2.11.1",
        "apim/gateway:2.11.1",
        "own.example/own:2.11.1",
        "docker.io/x/own:2.11.1",
        "localhost/own:2.11.1",
        "gateway:2.11.1",
    ],
};
const INVALID_NAMES: Known = Known {
    is_name: false,
    is_gateway: false,
    version: Unverifiable,
    names: &[
        "",
        " ",
        ":",
        "@",
        "/",
        ":2.11.1",
        "@sha256:aaaa",
        "${IMAGE}",
        "{{ .Values.image }}",
        "Own:2.11.1",
        "own :2.11.1",
        "[::1]",
        "[::1]:5000",
    ],
};

#[test]
fn b15_every_image_name_is_parsed_as_the_distribution_project_parses_it() {
    let images = images();
    let groups = [
        SUPPORTED,
        OLDER,
        ROLLING,
        PREVIEW,
        PINNED_TO_UNKNOWN_DIGEST,
        UNVERIFIABLE,
        INVALID_GATEWAY_NAMES,
        OTHER_IMAGES,
        INVALID_NAMES,
    ];
    assert!(groups.iter().map(|known| known.names.len()).sum::<usize>() >= 120);
    for (known, name) in groups.iter().flat_map(|known| known.names.iter().map(move |name| (known, *name))) {
        let read = (ImageName::parse(name).is_some(), images.is_gateway(name), images.version(name, &FIRST_VERSION));
        assert_eq!(read, (known.is_name, known.is_gateway, known.version.clone()), "{name:?}");
    }
}

#[test]
fn b15_the_length_limits_of_the_grammar_hold() {
    let tag = |length: usize| format!("azure-api-management/gateway:2.11.1-{}", "x".repeat(length));
    assert!(ImageName::parse(&tag(121)).is_some() && ImageName::parse(&tag(122)).is_none());
    let path = |length: usize| format!("a.b/{}/azure-api-management/gateway:2.9.2", "x".repeat(length));
    assert_eq!(images().version(&path(226), &FIRST_VERSION), Older);
    assert!(ImageName::parse(&path(227)).is_none() && images().is_gateway(&path(227)));
}

/// Microsoft's image and two images of the policy document.
fn images() -> Images {
    let [known, old] = ["a", "c"].map(|letter| letter.repeat(64));
    let document = format!(
        "{{apiVersion: apim-keyless.dev/v1alpha1, kind: GatewayPolicy, spec: {{images: [registry.example/apim/gateway, own],
           digests: {{\"sha256:{known}\": 2.11.1, \"sha256:{old}\": 2.9.2}}}}}}"
    );
    Policy::parse(&document).unwrap().images
}
