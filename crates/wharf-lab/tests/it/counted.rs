//! What the kernels at both ends count is what the link has done.
use crate::kernel::counted;
use crate::lab::{alone, both, conditions, listener, spec};
use wharf_lab::Segment;

fn drain() -> (std::thread::JoinHandle<u64>, String) {
    let (listener, port) = listener();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        std::io::copy(&mut stream, &mut std::io::sink()).expect("read")
    });
    (server, port)
}
fn explore(up: &str, down: &str, bytes: &str, settings: &[(&str,&str)], names: &[&str]) {
    let _alone = alone();
    let (server, port) = drain();
    let path = vec![Segment { name: "link".into(), up: conditions(up), down: conditions(down) }];
    let mut s = spec(path, &["upload", &port, bytes]);
    s.congestion = Some("reno".into());
    let got = counted(s, settings);
    println!("{up}: {:?} {:?}", got.ran.out, got.ran.figures.up);
    for n in names { println!("{n}: near {} far {}", got.near.get(n), got.far.get(n)); }
    server.join().unwrap();
}
#[test]
fn x_ecn() {
    explore("latency=5ms rate=20mbit queue=1000packets discipline=codel+ecn", "latency=5ms", "5000000", &[("ipv4/tcp_ecn","1")], &["IpExt.InCEPkts","IpExt.InECT0Pkts","IpExt.InNoECTPkts"]);
}
#[test]
fn x_reorder() {
    explore("latency=2ms rate=20mbit queue=4MiB reorder=3%", "latency=40ms", "3000000", &[], &["TcpExt.TCPOFOQueue","TcpExt.TCPSACKReorder","TcpExt.TCPTSReorder", "TcpExt.TCPDSACKRecv"]);
}
#[test]
fn x_corrupt() {
    explore("latency=5ms corrupt=2%", "latency=5ms", "4000000", &[], &["Ip.InHdrErrors","Tcp.InErrs","TcpExt.TCPOFOQueue", "Tcp.InCsumErrors", "Ip6InHdrErrors","Ip6InTruncatedPkts", "IpExt.InCsumErrors"]);
}
#[test]
fn x_rtt() {
    explore("latency=20ms", "latency=20ms", "300000", &[], &[]);
    let _alone = alone();
    let (l, port) = listener();
    let server = crate::lab::serve(l, 1_000_000);
    println!("{:?}", crate::lab::run(vec![both("link","latency=20ms")], &["download", &port]).out);
    server.join().unwrap();
}
fn cc(text: &str, bytes: &str, rtt: f64) {
    let (listener, port) = listener();
    let server = std::thread::spawn(move || {
        use std::io::Read;
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut b = vec![0;65536]; let mut v = vec![]; let mut n = 0; let t = std::time::Instant::now();
        loop { match stream.read(&mut b).unwrap() { 0 => break, k => { n += k; v.push((t.elapsed().as_secs_f64(), n)); } } }
        v
    });
    let path = vec![Segment { name: "link".into(), up: conditions(text), down: conditions(&format!("latency={}ms", (rtt*500.0) as u64)) }];
    let mut s = spec(path, &["upload", &port, bytes, "cubic"]);
    s.tools = wharf_lab::Tools::Network;
    let ran = crate::lab::start(&s).finish();
    assert_eq!(ran.exit, wharf_lab::Exit::Code(0), "{ran:?}");
    let v = server.join().unwrap();
    let seg = &ran.figures.up.segments[0];
    let p = seg.loss as f64 / seg.offered as f64;
    let cubic = (0.4*3.7/1.2f64).powf(0.25)*(rtt/p).powf(0.75);
    let reno = (1.5/p).sqrt();
    println!("{} {} {:?}", ran.out, p, ran.exit);
    let total = v.last().unwrap();
    for q in 1..10 {
        let at = |f: f64| v.iter().find(|(_, n)| *n as f64 >= f * total.1 as f64).unwrap();
        let (a, b) = (at(0.1*q as f64 - 0.0), total);
        let rate = (b.1-a.1) as f64/(b.0-a.0);
        println!("from {q}: {:.2}s W {:.2} cubic {:.2} reno {:.2}  ratio {:.3} {:.3}", b.0-a.0, rate*rtt/1448.0, cubic, reno, rate*rtt/1448.0/cubic, rate*rtt/1448.0/reno);
    }
}
#[test]
fn x_cubic() {
    let p = |n: usize, first: usize| format!("{}1{}", "0".repeat(first), "0".repeat(n - first - 1));
    cc(&format!("latency=150ms loss=pattern+{}", p(333, 60)), "5000000", 0.3);
}
#[test]
fn x_friendly() {
    let p = |n: usize, first: usize| format!("{}1{}", "0".repeat(first), "0".repeat(n - first - 1));
    cc(&format!("latency=10ms loss=pattern+{}", p(200, 30)), "8000000", 0.02);
}
