//! Who made an object: its controlling owner, as `ownerReferences` name it.

use super::{Kind, Metadata};

/// The controlling owner of an object. Anybody can write an owner reference, so it proves nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Kind of the owner.
    pub kind: Kind,
    /// Name of the owner, in the object's own namespace.
    pub name: String,
}

impl Owner {
    /// The controlling owner that `metadata` names, if it is of a kind that makes objects of kind `made`.
    pub(super) fn of(metadata: &Metadata, made: Kind) -> Option<Self> {
        let reference = metadata.owner_references.iter().find(|reference| reference.controller == Some(true))?;
        let kind = Kind::of(&reference.api_version, &reference.kind)?;
        (kind.makes() == Some(made)).then(|| Self { kind, name: reference.name.clone() })
    }

    /// Is `user` the controller of kube-controller-manager that makes what this kind owns?
    ///
    /// Where controllers share one identity it is `system:kube-controller-manager`.
    pub fn is_served_by(&self, user: &str) -> bool {
        user == "system:kube-controller-manager"
            || user
                .strip_prefix("system:serviceaccount:kube-system:")
                .is_some_and(|name| self.kind.controller() == Some(name))
    }
}
