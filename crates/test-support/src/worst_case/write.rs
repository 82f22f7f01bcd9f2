//! Writes the review of a shape. The objects are texts and no JSON values: they have duplicate members and other forms
//! that a value cannot have.

use super::{Operation, Place, Shape, Sign};
use std::collections::BTreeMap;

const IMAGE: &str = "azure-api-management/gateway";
const LABEL: &str = r#""apim-keyless.dev/gateway":"true""#;

/// The fields of a container with a command: the texts before and after its words.
const COMMANDS: [[&str; 2]; 6] = [
    [r#""command":["#, "]"],
    [r#""args":["#, "]"],
    [r#""lifecycle":{"postStart":{"exec":{"command":["#, "]}}}"],
    [r#""livenessProbe":{"exec":{"command":["#, "]}}"],
    [r#""readinessProbe":{"exec":{"command":["#, "]}}"],
    [r#""startupProbe":{"exec":{"command":["#, "]}}"],
];

/// The elements or members of each field, by its name.
type Fields = BTreeMap<&'static str, Vec<String>>;

impl Shape {
    /// The body of the review.
    pub fn body(&self) -> Vec<u8> {
        let [api_version, kind] = self.kind;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let (operation, old) = match self.operation {
            Operation::Create => ("CREATE", "null".to_owned()),
            Operation::Keep => ("UPDATE", self.object(0)),
            Operation::Change => ("UPDATE", self.object(1)),
        };
        let object = self.object(0);
        format!(
            r#"{{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{{"uid":"705ab4f5-6393-11e8-b7cc-42010a800002","kind":{{"group":"{group}","version":"{version}","kind":"{kind}"}},"namespace":"apim","operation":"{operation}","userInfo":{{"username":"jane"}},"object":{object},"oldObject":{old}}}}}"#
        )
        .into_bytes()
    }

    /// The object, with repetitions numbered from `first`.
    fn object(&self, first: usize) -> String {
        let [api_version, kind] = self.kind;
        let (metadata, pod) = (self.metadata(first), || (self.pod_metadata(first), self.spec(first)));
        let template = || {
            let (metadata, spec) = pod();
            format!(r#"{{"metadata":{{{metadata}}},"spec":{{{spec}}}}}"#)
        };
        let members = match kind {
            "CronJob" => {
                format!(
                    r#""metadata":{{{metadata}}},"spec":{{"jobTemplate":{{"spec":{{"template":{}}}}}}}"#,
                    template()
                )
            }
            "Deployment" => format!(r#""metadata":{{{metadata}}},"spec":{{"template":{}}}"#, template()),
            "Pod" => {
                let (metadata, spec) = pod();
                format!(r#""metadata":{{"name":"a",{metadata}}},"spec":{{{spec}}}"#)
            }
            _ => joined([format!(r#""metadata":{{{metadata}}}"#)].into_iter().chain(self.root(first))),
        };
        format!(r#"{{"apiVersion":"{api_version}","kind":"{kind}",{members}}}"#)
    }

    /// The members of the object's metadata.
    fn metadata(&self, first: usize) -> String {
        let mut fields = self.fields(first, 1, |place| match place {
            Place::Metadata(field) => Some(field),
            _ => None,
        });
        if self.sign == Sign::Label {
            fields.entry("labels").or_default().push(LABEL.to_owned());
        }
        joined([r#""name":"a""#.to_owned()].into_iter().chain(fields.into_iter().map(member)))
    }

    /// The members of the pod template's metadata. Those of a Pod are also the object's.
    fn pod_metadata(&self, first: usize) -> String {
        let is_pod = self.kind == Self::POD;
        let mut fields = self.fields(first, 1, |place| match place {
            Place::PodMetadata(field) => Some(field),
            Place::Metadata(field) if is_pod => Some(field),
            _ => None,
        });
        let labels = fields.entry("labels").or_default();
        labels.extend((self.sign == Sign::Label).then(|| LABEL.to_owned()));
        joined(fields.into_iter().map(member))
    }

    /// The members of the pod template's spec.
    fn spec(&self, first: usize) -> String {
        let mut fields = self.fields(first, 1, |place| match place {
            Place::Pod(field) => Some(field),
            _ => None,
        });
        let containers = (0..self.containers).map(|index| self.container(first, index));
        fields.entry("containers").or_default().splice(0..0, containers);
        joined(fields.into_iter().map(member))
    }

    fn container(&self, first: usize, index: usize) -> String {
        let mut members = Vec::new();
        if self.name > 0 {
            members.push(format!(r#""name":"{index}{}""#, "n".repeat(self.name)));
        }
        if self.sign == Sign::Images || (self.sign == Sign::Image && index == 0) {
            members.push(format!(r#""image":"{IMAGE}""#));
        }
        let mut fields = self.fields(first, self.containers, |place| match place {
            Place::Container(field) => Some(field),
            _ => None,
        });
        for (part, _) in self.shares().filter(|(part, _)| !part.variables.is_empty()) {
            let mut variables = String::new();
            self.fill(part.variables, 0, &mut variables);
            fields.entry("env").or_default().insert(0, variables);
        }
        let is_command = |place| (place == Place::Commands).then_some("commands");
        let commands = self.fields(first, self.containers * COMMANDS.len(), is_command);
        let commands = commands.into_values().flatten();
        members.extend(fields.into_iter().map(member));
        members.extend(commands.flat_map(|words| COMMANDS.map(|[before, after]| format!("{before}{words}{after}"))));
        format!("{{{}}}", joined(members))
    }

    /// The members of a `ConfigMap`.
    fn root(&self, first: usize) -> Vec<String> {
        let fields = self.fields(first, 1, |place| match place {
            Place::Root(field) => Some(field),
            _ => None,
        });
        fields.into_iter().map(member).collect()
    }

    /// The repetitions of all parts at the places that `field` selects. Each part has its share of the bytes divided by
    /// `divisor`.
    fn fields(&self, first: usize, divisor: usize, field: impl Fn(Place) -> Option<&'static str>) -> Fields {
        let mut fields = Fields::new();
        for (part, share) in self.shares() {
            if let Some(field) = field(part.place) {
                fields.entry(field).or_default().push(self.repeated(part, share / divisor.max(1), first));
            }
        }
        fields
    }
}

/// A member of an object: a mapping or a list.
fn member((name, elements): (&str, Vec<String>)) -> String {
    let elements = joined(elements);
    match name {
        "annotations" | "binaryData" | "data" | "labels" => format!(r#""{name}":{{{elements}}}"#),
        _ => format!(r#""{name}":[{elements}]"#),
    }
}

fn joined(texts: impl IntoIterator<Item = String>) -> String {
    texts.into_iter().collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::super::PARTS;
    use super::*;
    use serde::de::IgnoredAny;

    #[test]
    fn each_shape_is_json_of_its_length() {
        for part in PARTS {
            for kind in part.kinds() {
                let shape = Shape { bytes: 64 * 1024, operation: Operation::Change, ..Shape::of(*kind, &[part]) };
                let body = shape.body();
                assert!(serde_json::from_slice::<IgnoredAny>(&body).is_ok(), "{kind:?} {}", part.name);
                assert!((129_000..140_000).contains(&body.len()), "{kind:?} {} {}", part.name, body.len());
            }
        }
    }
}
