//! Asks on a terminal for facts that no manifest has.

use crate::cli::MigrateArguments;
use apim_keyless_core::gateway::ObjectReference;
use apim_keyless_core::migration::{Fact, Facts, MissingFact};
use apim_keyless_core::policy::printable;
use std::collections::HashMap;
use std::io::{BufRead, Write};

/// The facts of each gateway: what the flags state, and what was answered.
pub(super) struct KnownFacts {
    stated: Facts,
    answered: HashMap<ObjectReference, Facts>,
    /// The last answer to each question, which Enter repeats.
    last: Vec<(Fact, String)>,
}

/// Checks the form of an answer, and returns it as it is written.
pub(super) type Parse = fn(&str) -> Result<String, String>;

impl KnownFacts {
    pub(super) fn stated(arguments: &MigrateArguments) -> Self {
        let stated = Facts {
            client_id: arguments.client_id.clone(),
            tenant_id: arguments.tenant_id.clone(),
            gateway_name: arguments.gateway_name.clone(),
            endpoint: arguments.endpoint.clone(),
            service_account: arguments.service_account.clone(),
            image_tag: arguments.image_tag.clone(),
        };
        Self { stated, answered: HashMap::new(), last: Vec::new() }
    }

    /// The facts of a gateway.
    pub(super) fn of(&self, gateway: &ObjectReference) -> Facts {
        self.answered.get(gateway).unwrap_or(&self.stated).clone()
    }

    /// Asks for what is missing. Returns whether something was answered.
    pub(super) fn ask(
        &mut self,
        missing: &[MissingFact],
        input: &mut impl BufRead,
        output: &mut impl Write,
    ) -> std::io::Result<bool> {
        let mut is_answered = false;
        for MissingFact { fact, object, .. } in missing {
            let Some((question, parse)) = question(*fact) else { continue };
            writeln!(output, "{}", printable(&object.to_string()))?;
            let last = self.last.iter().rfind(|(other, _)| other == fact).map(|(_, answer)| answer.clone());
            let Some(answer) = answer(question, parse, last.as_deref(), (input, output))? else {
                return Ok(is_answered);
            };
            self.last.push((*fact, answer.clone()));
            let facts = self.answered.entry(object.clone()).or_insert_with(|| self.stated.clone());
            match fact {
                Fact::ClientId => facts.client_id = Some(answer),
                Fact::Endpoint => facts.endpoint = Some(answer),
                Fact::GatewayName => facts.gateway_name = Some(answer),
                _ => continue,
            }
            is_answered = true;
        }
        Ok(is_answered)
    }
}

/// The question for a fact and the form of its answer; `None` if it cannot be answered by a text.
fn question(fact: Fact) -> Option<(&'static str, Parse)> {
    match fact {
        Fact::ClientId => Some(("Client id of the Entra app or the managed identity", crate::cli::guid)),
        Fact::Endpoint => Some(("Configuration endpoint (NAME.configuration.azure-api.net)", crate::cli::endpoint)),
        Fact::GatewayName => Some(("Name of the gateway resource in API Management", crate::cli::gateway_name)),
        Fact::ConfigMap
        | Fact::Consistency
        | Fact::Layout
        | Fact::OneObject
        | Fact::OwnConfigMap
        | Fact::SharedConfigMap
        | Fact::Size => None,
    }
}

/// Asks until the answer has its form; `None` at the end of the input.
fn answer(
    question: &str,
    parse: Parse,
    last: Option<&str>,
    (input, output): (&mut impl BufRead, &mut impl Write),
) -> std::io::Result<Option<String>> {
    loop {
        let default = last.map(|last| format!(" [{last}]")).unwrap_or_default();
        write!(output, "  {question}{default}: ")?;
        output.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let text = if line.trim().is_empty() { last.unwrap_or_default() } else { line.trim() };
        match parse(text) {
            Ok(answer) => return Ok(Some(answer)),
            Err(form) => writeln!(output, "  {form}")?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_asked_for_again_and_enter_repeats_the_last() {
        let missing = |fact, name: &str| {
            MissingFact::new(fact, ObjectReference { name: name.to_owned(), ..ObjectReference::default() })
        };
        let id = "7d1c6ae4-3b52-4f0e-9a64-0c5f6e2b8d10";
        let mut facts = KnownFacts { stated: Facts::default(), answered: HashMap::new(), last: Vec::new() };
        let missing = [missing(Fact::ClientId, "a"), missing(Fact::ConfigMap, "a"), missing(Fact::ClientId, "b")];
        let mut output = Vec::new();
        assert!(facts.ask(&missing, &mut format!("none\n{id}\n\n").as_bytes(), &mut output).unwrap());
        for gateway in &missing {
            assert_eq!(facts.of(&gateway.object).client_id.as_deref(), Some(id));
        }
        assert!(String::from_utf8(output).unwrap().contains("write a GUID"));
        assert!(!facts.ask(&missing, &mut "".as_bytes(), &mut Vec::new()).unwrap());
    }
}
