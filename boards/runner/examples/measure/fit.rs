//! Least squares without negative coefficients, by coordinate descent: used by `main`.

/// Rounds of the descent; tables are small.
const ROUNDS: usize = 200_000;

/// The coefficients, none below zero, for which the sums of `rows` come nearest to `wanted`.
pub(crate) fn not_negative(rows: &[Vec<f64>], wanted: &[f64]) -> Vec<f64> {
    let columns = rows.first().map_or(0, Vec::len);
    // Columns of one length make the descent even.
    let length = |column: usize| rows.iter().map(|row| row[column] * row[column]).sum::<f64>().sqrt();
    let lengths: Vec<f64> = (0..columns).map(length).collect();
    let mut found = vec![0.0; columns];
    let mut left = wanted.to_vec();
    for _ in 0..ROUNDS {
        for column in (0..columns).filter(|column| lengths[*column] > 0.0) {
            let scale = lengths[column];
            let along: f64 = rows.iter().zip(&left).map(|(row, left)| row[column] / scale * left).sum();
            let next = f64::max(0.0, found[column] + along);
            let step = next - found[column];
            found[column] = next;
            left.iter_mut().zip(rows).for_each(|(left, row)| *left -= row[column] / scale * step);
        }
    }
    found.iter().zip(&lengths).map(|(found, scale)| if *scale > 0.0 { found / scale } else { 0.0 }).collect()
}
