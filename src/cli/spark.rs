//! A curve in one line of text: a bar for each stretch of the values, between the lowest and the highest.

const SPARKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// A curve of so many characters at most.
pub fn spark(values: &[f64], columns: usize) -> String {
    let columns = columns.min(values.len());
    let of = |at: usize| {
        let (from, to) = (
            at * values.len() / columns,
            (at + 1) * values.len() / columns,
        );
        let part = &values[from..to.max(from + 1)];
        part.iter().sum::<f64>() / part.len() as f64
    };
    let points: Vec<f64> = (0..columns).map(of).collect();
    let low = points.iter().copied().fold(f64::INFINITY, f64::min);
    let high = points.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let range = high - low;
    let top = (SPARKS.len() - 1) as f64;
    points
        .iter()
        .map(|it| {
            let share = if range > 0.0 { (it - low) / range } else { 0.5 };
            SPARKS[(share * top).round() as usize % SPARKS.len()]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flat_curve_and_one_of_two_values_are_drawn() {
        assert_eq!(spark(&[1.0, 1.0], 8), "▅▅");
        assert_eq!(spark(&[0.0, 1.0], 8), "▁█");
        assert_eq!(spark(&[0.0, 0.0, 1.0, 1.0], 2), "▁█");
    }
}
