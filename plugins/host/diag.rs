//! Listening sockets from the kernel's `sock_diag`, which walks only those (`sock_diag(7)`).

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

/// The kernel answers at once or not at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// A socket as the kernel tells it.
#[derive(Debug, PartialEq)]
pub(super) struct Listening {
    pub(super) protocol: &'static str,
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) uid: u32,
    pub(super) inode: u64,
}

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const TCP: u8 = 6;
const UDP: u8 = 17;
/// TCP sockets that listen, UDP sockets that are connected to nobody: bits by state.
const LISTEN: u32 = 1 << 10;
const UNCONNECTED: u32 = 1 << 7;

/// Asks for all four tables.
///
/// # Errors
/// Where the kernel refuses, or has no `sock_diag` for one of them; its text tables then still tell.
pub(super) fn listening() -> io::Result<Vec<Listening>> {
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        SocketFlags::CLOEXEC,
        Some(SOCK_DIAG),
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(PATIENCE))?;
    let mut found = Vec::new();
    for (protocol, family, number, states) in [
        ("tcp", AF_INET, TCP, LISTEN),
        ("tcp6", AF_INET6, TCP, LISTEN),
        ("udp", AF_INET, UDP, UNCONNECTED),
        ("udp6", AF_INET6, UDP, UNCONNECTED),
    ] {
        sendto(
            &socket,
            &request(family, number, states),
            SendFlags::empty(),
            &SocketAddrNetlink::new(0, 0),
        )?;
        read_answers(&socket, protocol, &mut found)?;
    }
    Ok(found)
}

const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const FLAGS: u16 = 0x301;
const HEAD_BYTES: usize = 16;

/// Returns a `nlmsghdr` and an `inet_diag_req_v2` without a filter.
fn request(family: u8, protocol: u8, states: u32) -> Vec<u8> {
    const BYTES: usize = HEAD_BYTES + 56;
    let mut bytes = Vec::with_capacity(BYTES);
    bytes.extend((BYTES as u32).to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(FLAGS.to_ne_bytes());
    bytes.extend([0; 8]);
    bytes.extend([family, protocol, 0, 0]);
    bytes.extend(states.to_ne_bytes());
    bytes.resize(BYTES, 0);
    bytes
}

const ERROR: u16 = 2;
const DONE: u16 = 3;

fn read_answers(socket: &OwnedFd, protocol: &'static str, found: &mut Vec<Listening>) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let (n_bytes, _) = recv(socket, &mut buffer[..], RecvFlags::empty())?;
        let mut rest = &buffer[..n_bytes];
        if rest.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        while let (Some(length), Some(kind)) = (u32_at(rest, 0), u16_at(rest, 4)) {
            let length = (length as usize).clamp(HEAD_BYTES, rest.len());
            match kind {
                DONE => return Ok(()),
                ERROR => return Err(io::ErrorKind::Unsupported.into()),
                _ => found.extend(socket_of(&rest[HEAD_BYTES..length], protocol)),
            }
            rest = &rest[length.next_multiple_of(4).min(rest.len())..];
        }
    }
}

/// Reads an `inet_diag_msg`: four bytes, the socket's addresses (48), timers and queues (12), uid, inode.
fn socket_of(message: &[u8], protocol: &'static str) -> Option<Listening> {
    let port = u16::from_be_bytes(message.get(4..6)?.try_into().ok()?);
    let source = message.get(8..24)?;
    let address: IpAddr = if *message.first()? == AF_INET6 {
        Ipv6Addr::from(<[u8; 16]>::try_from(source).ok()?).into()
    } else {
        Ipv4Addr::from(<[u8; 4]>::try_from(source.get(..4)?).ok()?).into()
    };
    let (uid, inode) = (u32_at(message, 64)?, u32_at(message, 68)?);
    (port > 0).then_some(Listening {
        protocol,
        address,
        port,
        uid,
        inode: inode.into(),
    })
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_of_this_very_process_are_told() {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
        // A kernel without these tables is what the text tables are for.
        let Ok(found) = listening() else { return };
        for (protocol, address) in [("tcp", tcp.local_addr()), ("udp", udp.local_addr())] {
            let address = address.expect("bound");
            let socket = found
                .iter()
                .find(|socket| socket.protocol == protocol && socket.port == address.port());
            assert_eq!(
                socket.map(|socket| socket.address),
                Some(address.ip()),
                "{protocol}"
            );
            assert!(socket.is_some_and(|socket| socket.inode > 0));
        }
    }
}
