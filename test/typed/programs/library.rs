// Containers of the Rust library, for what the printers that come with rustc say of them.
use std::collections::{HashMap, BTreeMap, VecDeque, HashSet};
use std::rc::Rc; use std::cell::{RefCell, Cell}; use std::sync::{Arc, Mutex};
#[derive(Debug, Clone)] enum Shape { Circle { r: f64 }, Rect(u32, u32), Unit }
#[derive(Debug)] struct Wrapper(i32);
struct Node { value: i32, next: Option<Box<Node>> }
trait Speak { fn speak(&self) -> String; }
impl Speak for Wrapper { fn speak(&self) -> String { format!("{}", self.0) } }
static GLOBAL: i32 = 77; const K: u8 = 3;
#[inline(never)] fn stop(n: i32, text: &str, v: &[i32], s: &Shape) -> i32 { if n > 0 { std::process::abort() } n + text.len() as i32 + v[0] + matches!(s, Shape::Unit) as i32 }
fn main() {
    let v = vec![1, 2, 3]; let ve: Vec<String> = vec![]; let vs = vec![String::from("a"), String::from("bb")];
    let s = String::from("hello"); let st = "slice"; let sl = &v[1..]; let arr = [1u8, 2, 3];
    let o = Some(5); let n: Option<i32> = None; let ob = Some(Box::new(7)); let os = Some(&s); let nz: Option<&str> = None;
    let r: Result<i32, String> = Ok(3); let re: Result<i32, String> = Err("bad".into());
    let c = Shape::Circle { r: 1.5 }; let q = Shape::Rect(3, 4); let u = Shape::Unit;
    let w = Wrapper(9); let t = (1, 'x', 2.5f32, true); let unit = ();
    let bx = Box::new(Wrapper(4)); let rc = Rc::new(8); let cell = Rc::new(RefCell::new(vec![1])); let arc = Arc::new(Mutex::new(5)); let ce = Cell::new(3);
    let list = Node { value: 1, next: Some(Box::new(Node { value: 2, next: None })) };
    let mut hm = HashMap::new(); hm.insert("k", 1); let mut bm = BTreeMap::new(); bm.insert(1, "one"); let vd: VecDeque<i32> = (0..3).collect(); let hs: HashSet<i32> = [1].into();
    let dy: Box<dyn Speak> = Box::new(Wrapper(2)); let cl = |x: i32| x + v[0]; let fp: fn(i32) -> i32 = |x| x; let ch = 'é'; let i128v: i128 = -5; let big = u64::MAX; let f = 0.1f64;
    let nested = vec![vec![1], vec![2, 3]]; let tuple_vec = vec![(1, "a")]; let opt_vec = Some(vec![1, 2]); let range = 0..5; let raw = &v as *const Vec<i32>;
    let bytes = b"bytes"; let pathb = std::path::PathBuf::from("/tmp"); let ord = std::cmp::Ordering::Less; let dur = std::time::Duration::from_secs(2);
    let uni = String::from("ünï"); let oss = std::ffi::OsString::from("os"); let nzu = std::num::NonZeroU32::new(5);
    let x = stop(v.len() as i32, st, sl, &q);
    println!("{} {:?} {} {} {} {}", x, o, cl(1), fp(2), dy.speak(), GLOBAL);
    println!("{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}", n, ob, os, nz, r, re, c, u);
    println!("{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}", w, t, unit, bx, rc, cell, arc, ce);
    println!("{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}", list.value, hm, bm, vd, hs, ch, i128v, big);
    println!("{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}", f, nested, tuple_vec, opt_vec, range, raw, bytes, pathb);
    println!("{:?} {:?} {:?}", uni, oss, nzu);
    println!("{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}", ord, dur, ve, vs, arr, K, s, list.next.is_some());
}
