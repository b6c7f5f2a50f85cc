//! Computes with structures, slices, tuples, options and closures, so that variables of Rust live in all sorts of places.

#[no_mangle]
pub static mut scratch: [u8; 8192] = [0; 8192];

#[derive(Clone, Copy)]
struct Point {
    x: i64,
    y: i64,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Slow,
    Fast,
}

enum Step {
    Stay,
    Move(i64, i64),
    Scale { by: i64 },
}

impl Point {
    fn apply(self, step: &Step) -> Point {
        match *step {
            Step::Stay => self,
            Step::Move(dx, dy) => Point { x: self.x + dx, y: self.y + dy },
            Step::Scale { by } => Point { x: self.x * by, y: self.y * by },
        }
    }
}

#[inline(never)]
fn walk(start: Point, steps: &[Step]) -> (Point, u32) {
    let mut at = start;
    let mut count = 0u32;
    for step in steps {
        let next = at.apply(step);
        if next.x != at.x {
            count += 1;
        }
        at = next;
    }
    (at, count)
}

#[inline(never)]
fn search(values: &[i64], wanted: i64, mode: Mode) -> Option<usize> {
    let mut low = 0usize;
    let mut high = values.len();
    while low < high {
        let middle = (low + high) / 2;
        let found = values[middle];
        if found == wanted && mode == Mode::Fast {
            return Some(middle);
        }
        if found < wanted {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if low < values.len() && values[low] == wanted { Some(low) } else { None }
}

#[inline(never)]
fn checksum(text: &str, factor: f64) -> u64 {
    let mut sum = 0u64;
    let mut weight = factor;
    for byte in text.bytes() {
        sum = sum.wrapping_mul(31).wrapping_add(byte as u64);
        weight *= 1.5;
    }
    sum ^ weight as u64
}

fn main() {
    let count = std::env::args().count() as i64;
    let steps = [Step::Move(count, 2), Step::Stay, Step::Scale { by: 3 }];
    let (end, moves) = walk(Point { x: 1, y: count }, &steps);
    let squares: [i64; 6] = [1, 4, 9, 16, 25, end.x + 30];
    let found = search(&squares, 16, if count > 5 { Mode::Slow } else { Mode::Fast });
    let twice = |z: i64| z * 2 + count;
    let total = twice(end.y) + moves as i64 + found.unwrap_or(9) as i64;
    let sum = checksum("some text", 2.0);
    unsafe { std::ptr::addr_of_mut!(scratch).cast::<u8>().write_bytes(b'x', 64) };
    if total + sum as i64 != 0 {
        std::process::abort();
    }
}
