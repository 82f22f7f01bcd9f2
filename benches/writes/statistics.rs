//! Middles and ends.

/// The middle one of values, and the ends.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) middle: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let sorted = sorted(values);
        Self { middle: quantile(&sorted, 0.5), least: quantile(&sorted, 0.0), most: quantile(&sorted, 1.0) }
    }

    /// With so many digits behind the point.
    pub(crate) fn told(self, digits: usize) -> String {
        format!("{:.digits$} ({:.digits$}–{:.digits$})", self.middle, self.least, self.most)
    }
}

/// Values by size.
pub(crate) fn sorted(values: impl IntoIterator<Item = f64>) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value that this share of sorted values is not above; between two of them it is in proportion.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    #[allow(clippy::cast_precision_loss, reason = "nobody measures so often")]
    let at = share * last as f64;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is an index")]
    let (below, above) = (at.floor() as usize, at.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * at.fract()
}
