//! DNS: single questions, each from a port of its own.

use std::net::{Ipv4Addr, UdpSocket};
use std::thread;

use simple_dns::rdata::{A, RData};
use simple_dns::{CLASS, Name, Packet, PacketFlag, Question, RCODE, ResourceRecord, TYPE};

use super::bed::{Bed, listen, on_v4};
use crate::bed::latency;

const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 7);

/// Answers so many questions: `www.example` has an address, other names do not exist.
fn serve(server: &UdpSocket, questions: usize) {
    let mut buffer = [0; 512];
    for _ in 0..questions {
        let (len, client) = server.recv_from(&mut buffer).expect("a question");
        let query = Packet::parse(&buffer[..len]).expect("a DNS message");
        let mut reply = Packet::new_reply(query.id());
        reply.questions = query.questions.clone();
        reply.set_flags(PacketFlag::AUTHORITATIVE_ANSWER);
        for question in &query.questions {
            if question.qname.to_string() == "www.example" {
                let data = RData::A(A::from(ADDRESS));
                let record = ResourceRecord::new(question.qname.clone(), CLASS::IN, 60, data);
                reply.answers.push(record);
            } else {
                *reply.rcode_mut() = RCODE::NameError;
            }
        }
        let reply = reply.build_bytes_vec_compressed().expect("a DNS message");
        server.send_to(&reply, client).expect("it can be sent");
    }
}

/// Asks for the address of a name.
fn resolve(client: &UdpSocket, id: u16, name: &str) -> Result<Ipv4Addr, RCODE> {
    let mut query = Packet::new_query(id);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    let name = Name::new(name).expect("a name");
    let question = Question::new(name, TYPE::A.into(), CLASS::IN.into(), false);
    query.questions.push(question);
    let query = query.build_bytes_vec().expect("a DNS message");
    client.send(&query).expect("it can be sent");
    let reply = listen(client);
    let reply = Packet::parse(&reply).expect("a DNS message");
    assert_eq!(reply.id(), id);
    match reply.answers.first().map(|answer| &answer.rdata) {
        Some(RData::A(record)) => Ok(record.address.into()),
        _ => Err(reply.rcode()),
    }
}

#[test]
fn names_are_resolved_each_question_from_its_own_port() {
    let bed = Bed::between(on_v4(), on_v4(), |spec| {
        spec.up = latency(2);
        spec.down = latency(3);
        spec.limits.flows = 16;
    });
    thread::scope(|scope| {
        scope.spawn(|| serve(&bed.provider, 100));
        // They stay open, or the kernel would give one's port to another.
        let clients: Vec<_> = (0..100).map(|_| bed.client()).collect();
        for (id, pair) in (0..).zip(clients.chunks_exact(2)) {
            assert_eq!(resolve(&pair[0], id, "www.example"), Ok(ADDRESS));
            assert_eq!(resolve(&pair[1], id, "no.example"), Err(RCODE::NameError));
        }
    });
    let stats = bed.stats();
    assert_eq!((stats.total_connections, stats.connections), (100, 16));
    assert_eq!(bed.datagrams().evicted, 84);
}
