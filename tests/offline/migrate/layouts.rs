//! A property: over generated gateways in generated layouts, every line that the migration need not change is in the
//! result, `check` accepts the result, and a second migration changes nothing.

use super::{CLIENT, findings, read, removed_lines};
use proptest::prelude::*;
use test_support::run::Folder;

/// The parts of a gateway's file.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
struct Layout {
    is_flow: bool,
    step: usize,
    has_comments: bool,
    is_config_map_last: bool,
    has_marker: bool,
    is_windows: bool,
    has_last_line_break: bool,
    is_key_in_config_map: bool,
    others: usize,
}

fn layout() -> impl Strategy<Value = Layout> {
    let flags = proptest::array::uniform7(any::<bool>());
    (flags, 1..4_usize, 0..3_usize).prop_map(|(flags, step, others)| {
        let [
            is_flow,
            has_comments,
            is_config_map_last,
            has_marker,
            is_windows,
            has_last_line_break,
            is_key_in_config_map,
        ] = flags;
        Layout {
            is_flow,
            step: step * 2,
            has_comments,
            is_config_map_last,
            has_marker,
            is_windows,
            has_last_line_break,
            is_key_in_config_map,
            others,
        }
    })
}

impl Layout {
    fn comment(&self, text: &str) -> String {
        if self.has_comments { format!("# kept: {text}\n") } else { String::new() }
    }

    fn config_map(&self) -> String {
        let indentation = " ".repeat(self.step);
        let key = "config.service.auth: GatewayKey a&202601010000&c2lnbmF0dXJl";
        let key = if self.is_key_in_config_map { format!("{indentation}{key}\n") } else { String::new() };
        format!(
            "{}apiVersion: v1\nkind: ConfigMap\nmetadata:\n{indentation}name: orders-env # kept: its name\ndata:\n{indentation}\
             config.service.endpoint: \"contoso.configuration.azure-api.net\"\n{key}{indentation}telemetry.logs.std: text\n",
            self.comment("settings")
        )
    }

    fn workload(&self) -> String {
        let [one, two, three, four] = [1, 2, 3, 4].map(|times| " ".repeat(self.step * times));
        let env = match (self.is_key_in_config_map, self.is_flow) {
            (true, _) => String::new(),
            (false, true) => format!(
                "{four}  env: [{{name: config.service.auth, valueFrom: {{secretKeyRef: {{name: orders-token, key: value}}}}}}, {{name: KEPT, value: '1'}}]\n"
            ),
            (false, false) => format!(
                "{four}  env:\n{four}  - name: config.service.auth\n{four}    valueFrom:\n{four}      secretKeyRef:\n{four}        name: orders-token\n{four}        key: value\n{four}  - name: KEPT\n{four}    value: '1' # kept: a value\n"
            ),
        };
        format!(
            "{}apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: orders}}\nspec:\n{one}template:\n{two}spec:\n{three}containers:\n{four}- name: 'orders'\n{four}  image: azure-api-management/gateway:2.11.1\n{env}{four}  envFrom: [{{configMapRef: {{name: orders-env}}}}] # kept: settings\n{three}dnsPolicy: Default\n",
            self.comment("the gateway")
        )
    }

    fn text(&self) -> String {
        let (settings, workload) = (self.config_map(), self.workload());
        let mut documents = if self.is_config_map_last { vec![workload, settings] } else { vec![settings, workload] };
        for index in 0..self.others {
            let other = format!("apiVersion: v1\nkind: Service   # kept: odd\nmetadata: {{name:   other-{index}}}\n\n");
            documents.insert(index % documents.len(), other);
        }
        let text = documents.join("---\n");
        let text = if self.has_marker { format!("# kept: the head\n---\n{text}") } else { text };
        let text = if self.has_last_line_break { text } else { text.trim_end().to_owned() };
        if self.is_windows { text.replace('\n', "\r\n") } else { text }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_need_not_change_stays(layout in layout()) {
        let text = layout.text();
        let folder = Folder::with(&[("a.yaml", &text)]);
        let ran = folder.run(&["migrate", "a.yaml", "--client-id", CLIENT]);
        let after = read(&folder, "a.yaml");
        prop_assert_eq!(ran.code, 0, "{}\n{}", ran.everything(), text);
        prop_assert!(findings(&folder, "a.yaml", &[]).is_empty(), "{}", after);
        for line in removed_lines(&text, &after) {
            let is_changed = ["config.service.auth", "valueFrom", "secretKeyRef", "orders-token", "key: value", "---"];
            prop_assert!(is_changed.iter().any(|word| line.contains(word)), "{:?} is gone\n{}", line, after);
        }
        prop_assert_eq!(after.matches("kept").count(), text.matches("kept").count(), "{}", after);
        if layout.is_windows {
            prop_assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{:?}", after);
        }
        let again = folder.run(&["migrate", "a.yaml", "--client-id", CLIENT]);
        prop_assert_eq!((again.code, read(&folder, "a.yaml")), (0, after));
    }
}
