//! `MaxPool`: the largest real value under each window; padding counts as nothing.

use super::window::Window;
use super::{Applied, Dyadic, Result};

pub(super) fn max_pool(applied: &Applied<'_>) -> Result<Dyadic> {
    let x = applied.real(0)?;
    let [1, channels, height, width] = x.shape[..] else {
        return applied.fail(format!("shape {:?}", x.shape));
    };
    if applied.int("ceil_mode", 0)? != 0 {
        return applied.fail("ceil_mode");
    }
    let window = Window::read(applied, [height, width], [1, 1])?;
    let [rows, columns] = window.output;
    let mut integers = vec![];
    for image in x.integers.chunks(height * width) {
        for position in 0..rows * columns {
            let taps = window.taps(position / columns, position % columns);
            match taps.iter().map(|(_, pixel)| &image[*pixel]).max() {
                Some(largest) => integers.push(largest.clone()),
                None => return applied.fail("a window that lies in the padding"),
            }
        }
    }
    Ok(Dyadic { shape: vec![1, channels, rows, columns], integers, exponent: x.exponent })
}
