//! A port that can refuse connections and take them again.

use std::io;
use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::shared::Entrance;

/// Where one listener listens, or keeps the port and does not listen.
pub(crate) struct Port {
    address: SocketAddr,
    listener: Option<TcpListener>,
    /// Bound, so that nobody else gets the port meanwhile.
    kept: Option<TcpSocket>,
}

impl Port {
    pub(crate) fn new(listener: TcpListener) -> Self {
        Self {
            address: listener.local_addr().expect("a listener has an address"),
            listener: Some(listener),
            kept: None,
        }
    }

    /// Refuses or listens, as the entrance says.
    pub(crate) fn follow(&mut self, entrance: Entrance) {
        if entrance == Entrance::Refused {
            // Two sockets cannot have one port while one of them listens.
            if self.listener.take().is_some() {
                self.kept = Some(bound(self.address));
            }
        } else if let Some(socket) = self.kept.take() {
            self.listener = Some(socket.listen(BACKLOG).expect("the port is kept"));
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.listener {
            Some(listener) => listener.accept().await,
            None => std::future::pending().await,
        }
    }
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    };
    let socket = socket.expect("a socket");
    // Connections of the port may still be there.
    socket
        .set_reuseaddr(true)
        .expect("an option of every socket");
    socket.bind(address).expect("the port is free again");
    socket
}

const BACKLOG: u32 = 1024;
