//! The trace that a request belongs to (W3C Trace Context).

/// The parent of a review's span: a span of the API server whose trace is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace, in 32 hexadecimal digits.
    pub trace_id: String,
    /// The API server's span, in 16 hexadecimal digits.
    pub span_id: String,
}

/// The flag of a trace that its caller records.
const SAMPLED: u8 = 1;

impl TraceParent {
    /// Parses the header `traceparent`. `None` if it is malformed, or if its caller does not record the trace: then nobody
    /// would see our span.
    ///
    /// Format: <https://www.w3.org/TR/trace-context/#traceparent-header>.
    pub fn sampled(header: &str) -> Option<Self> {
        let mut fields = header.split('-');
        let [version, trace_id, span_id, flags] = [fields.next()?, fields.next()?, fields.next()?, fields.next()?];
        // later versions may add fields; the first version has none
        let is_complete = fields.next().is_none() || version != "00";
        let is_valid = is_complete
            && is_id(version, 2)
            && version != "ff"
            && [(trace_id, 32), (span_id, 16)].iter().all(|(id, digits)| is_id(id, *digits) && !is_zero(id))
            && is_id(flags, 2);
        let is_sampled = is_valid && u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & SAMPLED == SAMPLED);
        is_sampled.then(|| Self { trace_id: trace_id.to_owned(), span_id: span_id.to_owned() })
    }
}

fn is_id(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_zero(id: &str) -> bool {
    id.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_recorded_trace_is_continued() {
        let parent = TraceParent { trace_id: TRACE.to_owned(), span_id: SPAN.to_owned() };
        for header in [
            format!("00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-03"),
            // a later version
            format!("01-{TRACE}-{SPAN}-01-more"),
        ] {
            assert_eq!(TraceParent::sampled(&header).as_ref(), Some(&parent), "{header}");
        }
    }

    #[test]
    fn other_headers_are_ignored() {
        let zero = |digits| "0".repeat(digits);
        for header in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-00"),
            format!("00-{TRACE}-{SPAN}-02"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", zero(32)),
            format!("00-{TRACE}-{}-01", zero(16)),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}0-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-\u{fc}1"),
        ] {
            assert_eq!(TraceParent::sampled(&header), None, "{header}");
        }
    }
}
