//! Writes policies and bindings as YAML.

use std::fmt::Write as _;

/// A policy with its binding.
pub(super) struct AdmissionPolicy {
    pub(super) api_version: String,
    pub(super) name: String,
    /// The elements of `resourceRules`.
    pub(super) resources: Vec<String>,
    /// Names and expressions: an object for which one is false is not evaluated.
    pub(super) conditions: Vec<(&'static str, String)>,
    /// Names and expressions.
    pub(super) variables: Vec<(&'static str, String)>,
    pub(super) content: Content,
    /// `validationActions` of the binding.
    pub(super) actions: &'static str,
    /// Namespaces that the binding excludes from the enforced ones; `None` for a policy that is bound to all objects.
    pub(super) excluded: Option<Vec<String>>,
}

/// What a policy does.
pub(super) enum Content {
    /// Denies an object for which one of these is false.
    Validations(Vec<Validation>),
    /// JSON patches.
    Mutations(Vec<String>),
}

/// An expression that is true for a correct object.
pub(super) struct Validation {
    pub(super) expression: String,
    pub(super) message: String,
}

impl Content {
    fn kind(&self) -> &'static str {
        match self {
            Self::Validations(_) => "ValidatingAdmissionPolicy",
            Self::Mutations(_) => "MutatingAdmissionPolicy",
        }
    }
}

/// The policies and their bindings after a comment.
pub(super) fn yaml(comment: &str, policies: &[AdmissionPolicy]) -> String {
    let documents: Vec<String> = policies.iter().flat_map(|policy| [policy.yaml(), policy.binding()]).collect();
    format!("{comment}{}", documents.join("---\n"))
}

impl AdmissionPolicy {
    fn head(&self, kind: &str) -> String {
        format!(
            "apiVersion: admissionregistration.k8s.io/{}\nkind: {kind}\nmetadata:\n  name: {}\nspec:\n",
            self.api_version, self.name
        )
    }

    fn yaml(&self) -> String {
        let mut text = self.head(self.content.kind());
        text += match self.content {
            Content::Validations(_) => "  failurePolicy: Fail\n",
            // a policy that cannot mutate leaves the object to the validating ones
            Content::Mutations(_) => "  failurePolicy: Ignore\n  reinvocationPolicy: IfNeeded\n",
        };
        text += "  matchConstraints:\n    resourceRules:\n";
        for rule in &self.resources {
            _ = writeln!(text, "    - {rule}");
        }
        for (list, expressions) in [("matchConditions", &self.conditions), ("variables", &self.variables)] {
            if !expressions.is_empty() {
                _ = writeln!(text, "  {list}:");
            }
            for (name, expression) in expressions {
                _ = writeln!(text, "  - name: {name}\n    expression: |-\n{}", indented(expression, 6));
            }
        }
        match &self.content {
            Content::Validations(validations) => {
                text += "  validations:\n";
                for Validation { expression, message } in validations {
                    let message = serde_json::Value::from(message.as_str());
                    let expression = indented(expression, 6);
                    _ = writeln!(
                        text,
                        "  - expression: |-\n{expression}\n    message: {message}\n    reason: Forbidden"
                    );
                }
            }
            Content::Mutations(mutations) => {
                text += "  mutations:\n";
                for expression in mutations {
                    let expression = indented(expression, 8);
                    _ = writeln!(text, "  - patchType: JSONPatch\n    jsonPatch:\n      expression: |-\n{expression}");
                }
            }
        }
        text
    }

    fn binding(&self) -> String {
        let mut text = self.head(&format!("{}Binding", self.content.kind()));
        _ = writeln!(text, "  policyName: {}", self.name);
        if matches!(self.content, Content::Validations(_)) {
            _ = writeln!(text, "  validationActions: {}", self.actions);
        }
        if let Some(excluded) = &self.excluded {
            // quoted: a namespace can have the name 123
            let excluded: Vec<String> =
                excluded.iter().map(|name| serde_json::Value::from(name.as_str()).to_string()).collect();
            _ = writeln!(
                text,
                "  matchResources:\n    namespaceSelector:\n      matchExpressions:\n      \
                 - {{key: apim-keyless.dev/mode, operator: In, values: [enforce]}}\n      \
                 - {{key: kubernetes.io/metadata.name, operator: NotIn, values: [{}]}}",
                excluded.join(", ")
            );
        }
        text
    }
}

fn indented(expression: &str, columns: usize) -> String {
    let lines = expression.lines().map(|line| format!("{:columns$}{line}", ""));
    lines.collect::<Vec<_>>().join("\n")
}
