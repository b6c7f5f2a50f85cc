//! Holds values of all sorts of Rust types for questions about them, and stops inside of a method.
#![allow(dead_code)]
use std::collections::HashMap;
use std::rc::Rc;

#[derive(Debug, Clone, Copy)]
enum Plain { One = 1, Two, Ten = 10 }

#[derive(Debug)]
enum Shape {
    Unit,
    Circle(f64),
    Rect { w: u32, h: u32 },
    Named(String, i8),
}

struct Point { x: i32, y: i32 }
struct Pair(u8, u16);
struct Empty;
struct Generic<T> { value: T, next: Option<Box<Generic<T>>> }

static COUNTER: u32 = 77;
static mut MUTABLE: i64 = -5;
static TITLE: &str = "a title";

mod inner {
    pub static DEEP: i32 = 5;
    pub struct Thing { pub id: u64 }
}

union Bits { f: f32, u: u32 }

impl Point {
    #[inline(never)]
    fn stop(&self, scale: i32, name: &str, items: &[i32]) -> i32 {
        let tuple = (1u8, 2.5f64, 'x');
        let array = [1u16, 2, 3];
        let yes = true;
        let letter = 'é';
        let some = Some(5i32);
        let none: Option<i32> = None;
        let boxed = Box::new(Point { x: 3, y: 4 });
        let opt_ref: Option<&i32> = Some(&self.x);
        let no_ref: Option<&i32> = None;
        let shapes = [Shape::Unit, Shape::Circle(1.5), Shape::Rect { w: 2, h: 3 }, Shape::Named(String::from("abc"), -1)];
        let rect = Shape::Rect { w: 7, h: 8 };
        let circle = Shape::Circle(2.25);
        let plain = Plain::Ten;
        let pair = Pair(1, 2);
        let empty = Empty;
        let generic = Generic { value: 9u64, next: Some(Box::new(Generic { value: 10, next: None })) };
        let raw = &self.y as *const i32;
        let result: Result<i32, u8> = Err(3);
        let bits = Bits { f: 1.0 };
        let function = Point::stop as fn(&Point, i32, &str, &[i32]) -> i32;
        let thing = inner::Thing { id: 12 };
        let slice = &items[1..];
        let big = 1u128 << 100;
        let vector = vec![1i32, 2, 3];
        let text = String::from("owned");
        let rc = Rc::new(5i32);
        let map: HashMap<i32, i32> = HashMap::new();
        let closure = |z: i32| z + scale;
        unsafe {
            MUTABLE += 1;
            if MUTABLE > -100 { std::arch::asm!("ud2"); }
        }
        println!("{:?} {:?} {} {} {} {} {}", tuple, array, yes, letter, some.is_some(), none.is_none(), boxed.x);
        println!("{:?} {:?} {} {:?} {} {}", opt_ref, no_ref, shapes.len(), plain, pair.0, generic.value + generic.next.unwrap().value);
        println!("{:?} {:?} {} {} {} {}", raw, result.is_ok(), unsafe { bits.u }, function as usize, thing.id, slice.len());
        println!("{} {} {} {} {} {:?} {:?} {}", big, vector.len(), text, rc, map.len(), rect, circle, COUNTER + TITLE.len() as u32 + inner::DEEP as u32);
        let _ = &empty;
        closure(1) + name.len() as i32
    }
}

fn main() {
    let point = Point { x: 1, y: -2 };
    let items = vec![10, 20, 30];
    std::process::exit(point.stop(4, "name", &items));
}
