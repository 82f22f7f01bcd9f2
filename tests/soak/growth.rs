//! The memory of a replica at rest and in a cluster with many objects. `make soak` creates all of them, `make test` a
//! fifth.

use futures::stream::{self, StreamExt};
use serde_json::json;
use std::time::Duration;
use tempfile::tempdir;
use test_support::webhook::measure::{kibibytes, reduced};
use test_support::webhook::{Server, User, Webhook, print_to_stderr};

/// The number of audited namespaces.
const NAMESPACES: usize = 1000;
/// How many ServiceAccounts, and as many ConfigMaps, each of them has.
const OBJECTS_PER_KIND: usize = 10;
/// How many of them Kubernetes creates itself.
const CREATED_BY_KUBERNETES: usize = 1;
/// How many namespaces are filled at the same time.
const CONCURRENCY: usize = 8;

/// The most memory that a replica may use at rest, in MiB.
const AT_REST: u64 = 20;
/// The most memory that a replica may use with all objects cached, in MiB.
const GROWN: u64 = 48;

#[tokio::test(flavor = "multi_thread")]
async fn a_growing_cluster_takes_little_memory() {
    let Some(webhook) = Webhook::alone(|_| Vec::new()) else { return };
    let _logs = webhook.control_plane.show_logs_on_panic();
    let folders = [tempdir().unwrap(), tempdir().unwrap()];
    // one replica watches the cluster grow, the other starts when it is large
    let old = webhook.standalone_replica(folders[0].path()).await;
    let at_rest = old.resident();
    let administrator = webhook.in_namespace("apim-keyless");
    let namespaces = stream::iter(0..reduced(NAMESPACES));
    namespaces.for_each_concurrent(CONCURRENCY, |number| fill(&administrator, number)).await;
    let new = webhook.standalone_replica(folders[1].path()).await;
    let cached = [cached_bytes(&old).await, cached_bytes(&new).await];
    let grown = [old.resident(), new.resident()];
    let number = reduced(NAMESPACES) * OBJECTS_PER_KIND;
    print_to_stderr(&format!(
        "soak: a replica uses {at_rest} KiB at rest; {grown:?} KiB after {number} ServiceAccounts, as many ConfigMaps \
         and {} Namespaces were created, or at a start with them ({cached:?} bytes in the cache)",
        reduced(NAMESPACES)
    ));
    assert!(at_rest <= kibibytes(AT_REST), "{at_rest} KiB at rest");
    assert!(grown.iter().all(|grown| *grown <= kibibytes(GROWN)), "{grown:?} KiB");
}

async fn fill(administrator: &User, number: usize) {
    let namespace = format!("grown-{number:04}");
    let labels = json!({"apim-keyless.dev/mode": "audit"});
    let metadata = json!({"name": namespace, "labels": labels});
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
    administrator.post("/api/v1/namespaces", &object).await.stored();
    for number in CREATED_BY_KUBERNETES..OBJECTS_PER_KIND {
        let metadata = json!({
            "name": format!("gateway-{number}-workload-identity"),
            "labels": {"azure.workload.identity/use": "true", "app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"azure.workload.identity/client-id": "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10"},
        });
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata});
        administrator.post(&format!("/api/v1/namespaces/{namespace}/serviceaccounts"), &account).await.stored();
        let data = json!({
            "gateway.name": format!("gateway-{number}"),
            "config.service.endpoint": "contoso.configuration.azure-api.net",
            "config.service.auth": "workloadIdentity",
            "telemetry.logs.std": "text",
            "neighborhood.host": format!("gateway-{number}-instance-discovery"),
        });
        let metadata = json!({"name": format!("gateway-{number}-environment")});
        let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data});
        administrator.post(&format!("/api/v1/namespaces/{namespace}/configmaps"), &settings).await.stored();
    }
}

/// How many bytes a replica has cached, once it has received all objects.
async fn cached_bytes(replica: &Server) -> u64 {
    let mut before = 0;
    loop {
        let metrics = replica.metrics().await;
        let value = |name: &str| metrics.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<u64>().ok());
        let namespaces = value("apim_keyless_cache_namespaces ").unwrap();
        let bytes = value("apim_keyless_cache_bytes ").unwrap();
        if namespaces >= reduced(NAMESPACES) as u64 && bytes == before {
            return bytes;
        }
        before = bytes;
        // the cache is complete if it has not grown for this time
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
}
