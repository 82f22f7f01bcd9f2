//! Objects as they come, and the entries at which they are answered.

use super::Scene;
use apim_keyless::admission::{Endpoint, Webhook};
use apim_keyless::policy::Mode;

const CHART: &str = include_str!("../../tests/manifests/chart-workload-identity.yaml");
const TOKEN: &str = include_str!("../../tests/manifests/chart-gateway-token.yaml");
const BARE: &str = include_str!("../../deploy/examples/02-bare.yaml");
const FOREIGN: &str = include_str!("../../tests/manifests/foreign-certificates.yaml");
const SCALED: &str = include_str!("../../tests/reviews/deployment-with-key-scaled.json");

pub(crate) const MUTATE: Endpoint = Endpoint { webhook: Webhook::Mutating, mode: Mode::Enforce };
pub(crate) const VALIDATE: Endpoint = Endpoint { webhook: Webhook::Validating, mode: Mode::Enforce };

/// Objects as they come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RuleInput {
    BareDeployment,
    ChartConfigMap,
    ChartDeployment,
    ChartServiceAccount,
    ForeignDeployment,
    RefusedDeployment,
    /// An update, with the object as it was.
    ScaledDeployment,
}

impl RuleInput {
    pub(crate) fn scene(self) -> Scene {
        match self {
            Self::BareDeployment => Scene::of_file(BARE, "Deployment"),
            Self::ChartConfigMap => Scene::of_file(CHART, "ConfigMap"),
            Self::ChartDeployment => Scene::of_file(CHART, "Deployment"),
            Self::ChartServiceAccount => Scene::of_file(CHART, "ServiceAccount"),
            Self::ForeignDeployment => Scene::of_file(FOREIGN, "Deployment"),
            Self::RefusedDeployment => Scene::of_file(TOKEN, "Deployment"),
            Self::ScaledDeployment => Scene::of_review(SCALED),
        }
    }
}
