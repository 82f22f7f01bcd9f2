//! The controllers of other kinds: which users create objects for the owners of an API group.

use super::document_value::{Checked, TextFormat};
use crate::gateway::Owner;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The user names of the controllers, by the API group of the owners. Only the policy document names them: whoever may
/// act as one of these users can create Pods that are only warned about.
#[derive(Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Controllers(BTreeMap<Checked<ApiGroup>, Vec<Checked<UserName>>>);

impl Controllers {
    /// Adds users for some API groups.
    pub(super) fn add(&mut self, groups: Vec<Checked<ApiGroup>>, users: &[Checked<UserName>]) {
        for group in groups {
            self.0.entry(group).or_default().extend(users.iter().cloned());
        }
    }

    /// Every user.
    pub(super) fn users(&self) -> impl Iterator<Item = &str> {
        self.0.values().flatten().map(|user| user.0.0.as_str())
    }

    /// Returns true if `user` is a controller that creates objects for `owner`.
    pub(super) fn creates_for(&self, owner: Owner<'_>, user: &str) -> bool {
        let of_group = || self.0.get(&Checked(ApiGroup(owner.other_group()?.to_owned())));
        owner.is_controller(user) || of_group().is_some_and(|users| users.iter().any(|name| name.0.0 == user))
    }
}

/// The API group of custom resources. It has a dot, unlike Kubernetes' own `apps` and `batch`.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ApiGroup(String);

impl TextFormat for ApiGroup {
    const DESCRIPTION: &'static str = "an API group with a dot, such as argoproj.io";

    fn read(text: &str) -> Option<Self> {
        let is_label = |label: &str| {
            let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
            !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.bytes().all(is_allowed)
        };
        (text.contains('.') && text.split('.').all(is_label)).then(|| Self(text.to_owned()))
    }
}

/// The name of a user of the API server.
#[derive(Clone)]
pub(super) struct UserName(String);

impl TextFormat for UserName {
    const DESCRIPTION: &'static str = "a user name, such as system:serviceaccount:argo-rollouts:argo-rollouts";

    fn read(text: &str) -> Option<Self> {
        (!text.is_empty() && !text.contains(char::is_whitespace)).then(|| Self(text.to_owned()))
    }
}
