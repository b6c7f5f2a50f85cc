// Boxes and vectors: one is forgotten, and one given back through C.
extern "C" {
    fn free(p: *mut u8);
}

#[inline(never)]
fn forget(n: usize) {
    let b: Box<[u64; 4]> = Box::new([n as u64; 4]);
    std::mem::forget(b);
}

#[inline(never)]
fn clean() {
    let mut bytes = [1u8; 4096];
    for b in bytes.iter_mut() {
        unsafe { std::ptr::write_volatile(b, 0) }
    }
}

fn main() {
    let words: Vec<String> = (0..100).map(|i| format!("word {i}")).collect();
    println!("{}", words.join(" ").len());
    if std::env::args().count() > 1 {
        forget(3);
        unsafe {
            let p = std::alloc::alloc(std::alloc::Layout::new::<u64>());
            std::alloc::dealloc(p, std::alloc::Layout::new::<[u64; 2]>());
        }
        let b = Box::into_raw(Box::new(7u64));
        unsafe {
            free(b as *mut u8);
            free(b as *mut u8);
        }
    }
    clean();
}
