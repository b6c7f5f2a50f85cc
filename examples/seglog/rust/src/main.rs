//! A test for losses of power of an embedded store, with the operations of crash.c.
//!
//!     kv DIRECTORY OPERATIONS   opens it, inserts, removes and flushes; DIRECTORY.acked has the number of the last operation that was flushed
//!     kv DIRECTORY check        it must be as it was after that one, or after a later one, and must work
#[cfg(not(feature = "sled"))]
mod store;
#[cfg(feature = "sled")]
use sled as store;

use std::error::Error;
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

const KEYS: usize = 12;
const MOST: u32 = 100_000;

type Model = [Option<Vec<u8>>; KEYS];

fn drawn(number: u32, salt: u32) -> u32 {
    let mut x = ((number as u64) << 32 | salt as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^= x >> 29;
    (x.wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) as u32
}

fn name_of(key: usize) -> String {
    format!("key-{key}")
}

/// What operation `number`, from 1 on, makes of the model; its key.
fn operate(model: &mut Model, number: u32) -> usize {
    let key = drawn(number, 1) as usize % KEYS;
    let length = if drawn(number, 2) % 16 == 2 { 700 } else { 24 };
    let bytes = || (0..length).map(|at| drawn(number, 4 + at) as u8).collect();
    model[key] = (drawn(number, 2) % 16 >= 2).then(bytes);
    key
}

fn perform(db: &store::Db, operations: u32, path: &str) -> Result<(), Box<dyn Error>> {
    let acked = OpenOptions::new().write(true).create(true).truncate(true).open(format!("{path}.acked"))?;
    let mut model = Model::default();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Acquire) {
                for key in 0..KEYS {
                    let value = db.get(name_of(key).as_bytes()).unwrap();
                    assert!(value.is_none_or(|value| value.len() == 24 || value.len() == 700));
                }
            }
        });
        let result = (1..=operations).try_for_each(|number| -> Result<(), Box<dyn Error>> {
            let key = operate(&mut model, number);
            match &model[key] {
                Some(value) => db.insert(name_of(key).as_bytes(), value.as_slice())?,
                None => db.remove(name_of(key).as_bytes())?,
            };
            if drawn(number, 0) % 8 == 0 {
                db.flush()?;
                acked.write_all_at(&number.to_le_bytes(), 0)?;
            }
            Ok(())
        });
        over.store(true, Ordering::Release);
        result
    })?;
    let there = model.iter().flatten().map(Vec::len).sum::<usize>();
    println!("{operations} operations, {there} bytes");
    Ok(())
}

fn check(db: &store::Db, path: &str) -> Result<(), Box<dyn Error>> {
    let bytes = std::fs::read(format!("{path}.acked")).unwrap_or_default();
    let least = bytes.try_into().map_or(0, u32::from_le_bytes);
    let mut found = Model::default();
    for (key, value) in found.iter_mut().enumerate() {
        *value = db.get(name_of(key).as_bytes())?.map(|value| value.to_vec());
    }
    let mut model = Model::default();
    let mut number = 0;
    while number < MOST && (number < least || found != model) {
        number += 1;
        operate(&mut model, number);
    }
    if number == MOST {
        return Err(format!("the store is as it never was after operation {least}, which was flushed").into());
    }
    println!("as after operation {number}, flushed was {least}");
    db.insert(b"key-0", b"again".as_slice())?;
    db.flush()?;
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().collect();
    let [_, path, what] = args.as_slice() else {
        return Err("usage: kv DIRECTORY OPERATIONS|check".into());
    };
    let db = store::open(path)?;
    match what.as_str() {
        "check" => check(&db, path),
        operations => perform(&db, operations.parse()?, path),
    }
}
