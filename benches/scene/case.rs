//! The objects that are evaluated, and the endpoints that respond.

use super::Scene;
use apim_keyless::admission::{Endpoint, Webhook};
use apim_keyless_core::policy::Mode;

const CHART: &str = include_str!("../../tests/manifests/chart-workload-identity.yaml");
const TOKEN: &str = include_str!("../../tests/manifests/chart-gateway-token.yaml");
const BARE: &str = include_str!("../../deploy/examples/02-bare.yaml");
const NON_GATEWAY: &str = include_str!("../../tests/manifests/non-gateway-certificates.yaml");
const SCALED: &str = include_str!("../../tests/reviews/deployment-with-key-scaled.json");

pub(crate) const MUTATING: Endpoint = Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce };
pub(crate) const VALIDATING: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };

/// An object that is evaluated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Case {
    BareDeployment,
    ChartConfigMap,
    ChartDeployment,
    ChartServiceAccount,
    NonGatewayDeployment,
    DeniedDeployment,
    /// An update: the review has `request.oldObject` as well.
    ScaledDeployment,
}

impl Case {
    pub(crate) fn scene(self) -> Scene {
        match self {
            Self::BareDeployment => Scene::of_file(BARE, "Deployment"),
            Self::ChartConfigMap => Scene::of_file(CHART, "ConfigMap"),
            Self::ChartDeployment => Scene::of_file(CHART, "Deployment"),
            Self::ChartServiceAccount => Scene::of_file(CHART, "ServiceAccount"),
            Self::NonGatewayDeployment => Scene::of_file(NON_GATEWAY, "Deployment"),
            Self::DeniedDeployment => Scene::of_file(TOKEN, "Deployment"),
            Self::ScaledDeployment => Scene::of_review(SCALED),
        }
    }
}
