//! The sections `interfaces` and `sockets`.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use super::processes::Process;
use super::root::{Missing, Root};

#[derive(Debug, Serialize)]
pub(super) struct Interface {
    name: String,
    mac: String,
    mtu: u64,
    addresses: Vec<Address>,
    received_bytes: u64,
    sent_bytes: u64,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
struct Address {
    address: IpAddr,
    prefix: u8,
}

pub(super) fn interfaces() -> Result<Vec<Interface>, Missing> {
    let networks = sysinfo::Networks::new_with_refreshed_list()
        .map_err(|error| Missing::new("the network interfaces", error.to_string()))?;
    let mut interfaces: Vec<_> = networks
        .iter()
        .map(|(name, data)| {
            let networks = data.ip_networks().iter();
            let mut addresses: Vec<_> = networks
                .map(|network| Address {
                    address: network.addr,
                    prefix: network.prefix,
                })
                .collect();
            addresses.sort();
            Interface {
                name: name.to_string_lossy().into_owned(),
                mac: data.mac_address().to_string(),
                mtu: data.mtu(),
                addresses,
                received_bytes: data.total_received(),
                sent_bytes: data.total_transmitted(),
            }
        })
        .collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(interfaces)
}

pub(super) struct Sockets {
    pub(super) list: Vec<Socket>,
    /// There are sockets whose process belongs to somebody else.
    pub(super) unknown_owners: Option<Missing>,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Socket {
    protocol: &'static str,
    address: IpAddr,
    port: u16,
    scope: &'static str,
    uid: u32,
    pid: Option<u32>,
    process: Option<String>,
    #[serde(skip)]
    inode: u64,
}

pub(super) fn sockets(root: &Root, processes: &[Process]) -> Result<Sockets, Missing> {
    let mut list =
        if root.is_machine() { ask_kernel() } else { None }.map_or_else(|| read_tables(root), Ok)?;
    list.sort_by(|a, b| (a.protocol, a.port, a.address).cmp(&(b.protocol, b.port, b.address)));
    let n_denied = find_owners(root, processes, &mut list);
    let n_unknown = list.iter().filter(|socket| socket.pid.is_none()).count();
    let unknown_owners = (n_unknown > 0 && n_denied > 0).then(|| {
        let n_sockets = list.len();
        Missing::new(
            format!("the processes behind {n_unknown} of {n_sockets} listening sockets"),
            "permission denied: they belong to other users",
        )
        .remedy("run opsbox as root")
    });
    Ok(Sockets { list, unknown_owners })
}

/// Asks the kernel over netlink: 0.2 ms where reading its tables as text takes 10, since they hold every connection and bucket.
#[cfg(target_os = "linux")]
fn ask_kernel() -> Option<Vec<Socket>> {
    super::diag::listening().ok().map(|sockets| {
        let socket = |found: super::diag::Listening| Socket {
            protocol: found.protocol,
            address: found.address,
            port: found.port,
            scope: scope_of(found.address),
            uid: found.uid,
            pid: None,
            process: None,
            inode: found.inode,
        };
        sockets.into_iter().map(socket).collect()
    })
}

#[cfg(not(target_os = "linux"))]
fn ask_kernel() -> Option<Vec<Socket>> {
    None
}

fn read_tables(root: &Root) -> Result<Vec<Socket>, Missing> {
    let mut list = Vec::new();
    for (protocol, file) in [
        ("tcp", "/proc/net/tcp"),
        ("tcp6", "/proc/net/tcp6"),
        ("udp", "/proc/net/udp"),
        ("udp6", "/proc/net/udp6"),
    ] {
        match root.read(file) {
            Ok(text) => list.extend(text.lines().skip(1).filter_map(|line| listening(protocol, line))),
            // A kernel without IPv6 has no such tables.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && protocol.ends_with('6') => {}
            Err(error) => return Err(Missing::unread(file, &error)),
        }
    }
    Ok(list)
}

/// States in the kernel's tables: a TCP socket that listens, a UDP socket that is connected to nobody.
const TCP_LISTEN: &str = "0A";
const UDP_UNCONNECTED: &str = "07";

/// Reads a line of a table: `sl local remote st queues tr retrnsmt uid timeout inode …`.
fn listening(protocol: &'static str, line: &str) -> Option<Socket> {
    let words: Vec<_> = line.split_whitespace().collect();
    let [_, local, _, state, _, _, _, uid, _, inode, ..] = words[..] else {
        return None;
    };
    let wanted = if protocol.starts_with("tcp") {
        TCP_LISTEN
    } else {
        UDP_UNCONNECTED
    };
    if state != wanted {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let address = address_of(address)?;
    Some(Socket {
        protocol,
        address,
        port: u16::from_str_radix(port, 16).ok().filter(|port| *port > 0)?,
        scope: scope_of(address),
        uid: uid.parse().ok()?,
        pid: None,
        process: None,
        inode: inode.parse().ok()?,
    })
}

/// Reads an address as the kernel writes it: words of 32 bits in the machine's own byte order.
fn address_of(hex: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        u32::from_str_radix(hex.get(at * 8..at * 8 + 8)?, 16)
            .ok()
            .map(u32::to_ne_bytes)
    };
    match hex.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let bytes: Vec<u8> = [word(0)?, word(1)?, word(2)?, word(3)?].concat();
            Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into())
        }
        _ => None,
    }
}

fn scope_of(address: IpAddr) -> &'static str {
    let address = address.to_canonical();
    if address.is_loopback() {
        "loopback"
    } else if address.is_unspecified() {
        "any"
    } else {
        "address"
    }
}

/// Finds the process of each socket, the one with the lowest pid where several share it. Returns how many processes may not be looked into.
fn find_owners(root: &Root, processes: &[Process], sockets: &mut [Socket]) -> usize {
    let mut wanted: HashSet<u64> = sockets
        .iter()
        .map(|socket| socket.inode)
        .filter(|inode| *inode != 0)
        .collect();
    let mut owners: HashMap<u64, &Process> = HashMap::new();
    let mut n_denied = 0;
    for process in processes.iter().filter(|process| !process.is_kernel_thread) {
        if wanted.is_empty() {
            break;
        }
        match std::fs::read_dir(root.path(&format!("/proc/{}/fd", process.pid))) {
            Ok(entries) => {
                for link in entries
                    .flatten()
                    .filter_map(|entry| std::fs::read_link(entry.path()).ok())
                {
                    let inode = link
                        .to_str()
                        .and_then(|link| link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok());
                    if let Some(inode) = inode
                        && wanted.remove(&inode)
                    {
                        owners.insert(inode, process);
                    }
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => n_denied += 1,
            Err(_) => {}
        }
    }
    for socket in sockets {
        if let Some(process) = owners.get(&socket.inode) {
            socket.pid = Some(process.pid);
            socket.process = Some(process.name.clone());
        }
    }
    n_denied
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests_root::root;

    const HEAD: &str =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

    #[test]
    #[cfg(target_endian = "little")]
    fn listening_sockets_are_read_with_their_scope_and_process() {
        let tcp = format!(
            "{HEAD}   0: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 4001 1\n\
             \x20  1: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4002 1\n\
             \x20  2: 0100007F:9999 0100007F:0CEA 01 00000000:00000000 00:00000000 00000000   999        0 4003 1\n"
        );
        let tcp6 = format!(
            "{HEAD}   0: 0000000000000000FFFF00000100007F:1F90 00000000000000000000000000000000:0000 0A 0:0 0:0 0 1000 0 4004 1\n"
        );
        let udp = format!("{HEAD}   0: 0F02000A:0044 00000000:0000 07 0:0 0:0 0 0 0 4005 2\n");
        let (temp, root) = root(&[
            ("proc/net/tcp", &tcp),
            ("proc/net/tcp6", &tcp6),
            ("proc/net/udp", &udp),
        ]);
        std::fs::create_dir_all(temp.path().join("proc/42/fd")).expect("made");
        std::os::unix::fs::symlink("socket:[4002]", temp.path().join("proc/42/fd/3")).expect("made");
        let process = Process::sample(42, "sshd");
        let list = sockets(&root, &[process]).expect("read").list;
        let seen: Vec<_> = list
            .iter()
            .map(|s| {
                (
                    s.protocol,
                    s.address.to_string(),
                    s.port,
                    s.scope,
                    s.uid,
                    s.process.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                ("tcp", "0.0.0.0".to_owned(), 22, "any", 0, Some("sshd")),
                ("tcp", "127.0.0.1".to_owned(), 3306, "loopback", 999, None),
                (
                    "tcp6",
                    "::ffff:127.0.0.1".to_owned(),
                    8080,
                    "loopback",
                    1000,
                    None
                ),
                ("udp", "10.0.2.15".to_owned(), 68, "address", 0, None),
            ]
        );
    }

    #[test]
    fn a_kernel_without_tables_is_missing_them() {
        let (_temp, root) = root(&[]);
        assert!(sockets(&root, &[]).is_err());
    }
}
