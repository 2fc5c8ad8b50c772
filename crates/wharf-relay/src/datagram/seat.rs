//! A seat: the socket that clients speak to, and are answered from.

use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, UdpSocket};

use super::socket::Socket;
use crate::key::Key;

#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) socket: Socket,
    pub(crate) link: u32,
    pub(crate) address: SocketAddr,
    /// The flows of those who have spoken to it.
    pub(crate) flows: HashMap<SocketAddr, Key>,
    refusing: bool,
}

impl Seat {
    pub(crate) fn new(socket: UdpSocket, link: u32) -> io::Result<Self> {
        let address = socket.local_addr()?;
        Ok(Self {
            socket: Socket::new(socket)?,
            link,
            address,
            flows: HashMap::new(),
            refusing: false,
        })
    }

    /// Refuses whatever comes: clients get `ECONNREFUSED`.
    pub(crate) fn refuse(&mut self) -> io::Result<()> {
        if !self.refusing {
            self.socket.refuse(self.address)?;
            self.refusing = true;
        }
        Ok(())
    }

    /// Takes datagrams, also again.
    pub(crate) fn welcome(&mut self) -> io::Result<()> {
        if self.refusing {
            self.socket.welcome(self.address)?;
            self.refusing = false;
        }
        Ok(())
    }
}
