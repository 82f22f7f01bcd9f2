//! The seeds: reviews of a real API server, and lines in the form that the targets read.

use apim_keyless_manifest::Manifests;
use serde_json::Value;
use std::fs;
use std::io::empty;

/// Every recorded review.
pub(crate) fn reviews() -> Vec<Value> {
    let files = fs::read_dir("tests/reviews").unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files.iter().map(|file| serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()).collect()
}

/// The readable objects of the recorded reviews, the examples and the test manifests.
pub(crate) fn objects() -> Vec<Value> {
    let recorded = reviews().into_iter().map(|review| review["request"]["object"].clone());
    let manifests = Manifests::read(&["deploy/examples".into(), "tests/manifests".into()], empty());
    let written = manifests.objects.into_iter().map(|object| object.value);
    recorded.filter(Value::is_object).chain(written).collect()
}

/// Lines of environments.
pub(crate) const ENVIRONMENTS: &[&str] = &[
    "TOKEN=GatewayKey orders&202601010000&c2lnbmF0dXJl",
    "TOKEN>value",
    "config.service.auth=$(TOKEN)",
    "config.service.auth=GatewayKey $(TOKEN)$(AUTH)$$(TOKEN)",
    "config.service.auth<config.service.auth",
    "config.service.auth:workloadIdentity",
    "AUTH:$(TOKEN)",
    "AUTH=$(AUTH)$(AUTH)$(TEXT)",
    "TEXT=$(TEXT)$(TEXT)$(AUTH)éééééééééééééééééééééééééééééééééééééééé",
    "TEXT=0123456789012345678901234567890123456789012345678901234567890123456789",
    "LAST=$(TEXT)$(TEXT)$(LAST)",
    "*",
    "CONFIG__*",
    "config.service.!orders",
    "!orders",
    "prefix?",
    "ORDERS_SERVICE_HOST=$(ORDERS_SERVICE_PORT)",
];

/// Image names.
pub(crate) const IMAGES: &[&str] = &[
    "mcr.microsoft.com/azure-api-management/gateway",
    "mcr.microsoft.com/azure-api-management/gateway:2.11.0",
    "MCR.microsoft.com:443/azure-api-management/gateway:v2",
    "localhost:5000/mirror/azure-api-management/gateway:2.9.2",
    "azure-api-management/gateway:latest",
    "mcr.microsoft.com/azure-api-management/gateway:2.12.0-preview-1",
    "mcr.microsoft.com/azure-api-management/gateway:2.9.0@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "mcr.microsoft.com/azure-api-management/gateway@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "mcr.microsoft.com/azure-api-management/gateway:${TAG}",
    "mcr.microsoft.com/azure-api-management/gateway-evil:2.11.1",
    "registry.example/gateway/azure-api-management:10.0.0",
    "busybox:1.36",
];
