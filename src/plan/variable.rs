//! A value of a plan that may be unknown. Every output lists them first.

use apim_keyless_core::policy::shell_word;

/// A value that an output names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Its name in snake case, such as `resource_group`.
    pub name: String,
    /// What it is, as it follows "set it to".
    pub description: String,
    /// Its value, if it is known.
    pub value: Option<String>,
    /// Whether an empty value is allowed.
    pub is_optional: bool,
    /// Which outputs need it.
    pub used_by: UsedBy,
}

/// Which outputs need a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedBy {
    /// All of them.
    All,
    /// Bicep and Terraform. The shell script finds the value itself.
    Templates,
    /// The shell script.
    Script,
}

impl Variable {
    /// Its name in a shell: `RESOURCE_GROUP`.
    pub fn shell_name(&self) -> String {
        self.name.to_ascii_uppercase()
    }

    /// Its name in Bicep: `resourceGroup`.
    pub fn camel_name(&self) -> String {
        let mut words = self.name.split('_');
        let first = words.next().unwrap_or_default().to_owned();
        words.fold(first, |name, word| {
            let mut letters = word.chars();
            let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
            name + &capital + letters.as_str()
        })
    }

    /// The value as one word of a shell command, or the variable.
    pub fn shell_word(&self) -> String {
        match &self.value {
            Some(value) => shell_word(value),
            None => format!("\"${}\"", self.shell_name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_language() {
        let variable = Variable {
            name: "aks_resource_group".to_owned(),
            description: String::new(),
            value: None,
            is_optional: false,
            used_by: UsedBy::All,
        };
        assert_eq!(variable.shell_name(), "AKS_RESOURCE_GROUP");
        assert_eq!(variable.camel_name(), "aksResourceGroup");
        assert_eq!(variable.shell_word(), "\"$AKS_RESOURCE_GROUP\"");
    }
}
