// Threads, channels, locks and a panic that is caught in another thread.
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{mpsc, Arc, Barrier, Condvar, Mutex, RwLock};
use std::thread;
use std::time::Duration;

fn main() {
    let (sender, receiver) = mpsc::channel();
    let workers: Vec<_> = (0..4)
        .map(|id| {
            let sender = sender.clone();
            thread::Builder::new()
                .name(format!("worker-{id}"))
                .spawn(move || (0..50).for_each(|n| sender.send((id, n * id)).unwrap()))
                .unwrap()
        })
        .collect();
    drop(sender);
    let mut sums = BTreeMap::new();
    for (id, n) in receiver {
        *sums.entry(id).or_insert(0) += n;
    }
    workers.into_iter().for_each(|worker| worker.join().unwrap());
    println!("{sums:?}");

    let (sender, receiver) = mpsc::sync_channel(2);
    let producer = thread::spawn(move || (0..20).for_each(|n| sender.send(n).unwrap()));
    println!("{}", receiver.iter().sum::<i32>());
    producer.join().unwrap();

    let pair = Arc::new((Mutex::new(false), Condvar::new()));
    let other = Arc::clone(&pair);
    let setter = thread::spawn(move || {
        thread::sleep(Duration::from_millis(5));
        *other.0.lock().unwrap() = true;
        other.1.notify_one();
    });
    let ready = pair.1.wait_while(pair.0.lock().unwrap(), |ready| !*ready).unwrap();
    println!("{}", *ready);
    setter.join().unwrap();

    let table = RwLock::new(vec![0u64; 8]);
    let hits = AtomicUsize::new(0);
    let barrier = Barrier::new(3);
    thread::scope(|scope| {
        for id in 0..3 {
            let (table, hits, barrier) = (&table, &hits, &barrier);
            scope.spawn(move || {
                barrier.wait();
                for n in 0..40 {
                    table.write().unwrap()[n % 8] += id;
                    hits.fetch_add(table.read().unwrap().len(), Ordering::Relaxed);
                }
            });
        }
    });
    println!("{:?} {}", table.read().unwrap(), hits.load(Ordering::SeqCst));

    std::panic::set_hook(Box::new(|_| {}));
    let failed = thread::spawn(|| -> u32 { panic!("on purpose") }).join().unwrap_err();
    println!("{}", failed.downcast_ref::<&str>().unwrap());
}
