//! The sections `filesystems` and `mounts`.

use std::collections::HashMap;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{StatVfs, statvfs};
use serde::Serialize;

use super::root::{Missing, Root};

/// How long a file system on the network may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) struct Disks {
    pub(super) filesystems: Result<Vec<FileSystem>, Missing>,
    /// File systems that are mounted but did not answer.
    pub(super) unreadable: Vec<Missing>,
    pub(super) mounts: Result<Vec<Mount>, Missing>,
}

impl Disks {
    pub(super) fn broken() -> Self {
        let missing = Missing::broken("the mounted file systems");
        Self {
            filesystems: Err(missing.clone()),
            unreadable: Vec::new(),
            mounts: Err(missing),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Mount {
    device: String,
    mount: String,
    #[serde(rename = "type")]
    kind: String,
    options: Vec<String>,
    #[serde(skip)]
    number: String,
    #[serde(skip)]
    is_whole: bool,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct FileSystem {
    mount: String,
    device: String,
    #[serde(rename = "type")]
    kind: String,
    total_bytes: u64,
    available_bytes: u64,
    used_bytes: u64,
    used_percent: f64,
    inodes_total: u64,
    inodes_free: u64,
    inodes_used: u64,
    /// Null where the file system has no fixed number of inodes.
    inodes_used_percent: Option<f64>,
    read_only: bool,
}

pub(super) fn disks(root: &Root) -> Disks {
    let text = match root.need("/proc/self/mountinfo") {
        Ok(text) => text,
        Err(missing) => {
            return Disks {
                filesystems: Err(missing.clone()),
                unreadable: Vec::new(),
                mounts: Err(missing),
            };
        }
    };
    let mounts: Vec<_> = text.lines().filter_map(mount_of).collect();
    let mut filesystems = Vec::new();
    let mut unreadable = Vec::new();
    for mount in real_ones(root, &mounts) {
        match measure(root, mount) {
            Ok(Some(filesystem)) => filesystems.push(filesystem),
            Ok(None) => {}
            Err(missing) => unreadable.push(missing),
        }
    }
    Disks {
        filesystems: Ok(filesystems),
        unreadable,
        mounts: Ok(mounts),
    }
}

/// Reads a line of `mountinfo`: `36 35 98:0 /root /mount opts [tags] - type device super-opts`.
fn mount_of(line: &str) -> Option<Mount> {
    let (left, right) = line.split_once(" - ")?;
    let left: Vec<_> = left.split(' ').collect();
    let right: Vec<_> = right.split(' ').collect();
    let mut options: Vec<_> = left.get(5)?.split(',').map(str::to_owned).collect();
    for option in right.get(2).copied().unwrap_or_default().split(',') {
        // A read-only mount of a writable file system has `ro` first and `rw` among the second ones.
        let contradicts = matches!(option, "ro" | "rw" | "");
        if !contradicts && !options.iter().any(|known| known == option) {
            options.push(option.to_owned());
        }
    }
    if right.get(2)?.split(',').any(|option| option == "ro")
        && options.first().is_some_and(|first| first == "rw")
    {
        options[0] = "ro".to_owned();
    }
    Some(Mount {
        device: unescape(right[1]),
        mount: unescape(left[4]),
        kind: right[0].to_owned(),
        options,
        number: left[2].to_owned(),
        is_whole: left[3] == "/",
    })
}

/// Undoes the kernel's octal spelling of blanks and backslashes.
fn unescape(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut out = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        match part
            .get(..3)
            .and_then(|digits| u8::from_str_radix(digits, 8).ok())
        {
            Some(byte) => {
                out.push(byte);
                out.extend_from_slice(&part.as_bytes()[3..]);
            }
            None => {
                out.push(b'\\');
                out.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Memory, views of the kernel, and images that are full by construction.
const NOT_REAL: [&str; 32] = [
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "cramfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "erofs",
    "fuse.gvfsd-fuse",
    "fuse.lxcfs",
    "fuse.portal",
    "fuse.snapfuse",
    "fusectl",
    "hugetlbfs",
    "iso9660",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "ramfs",
    "rootfs",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "squashfs",
    "sysfs",
    "tmpfs",
    "tracefs",
];

/// Returns the mounts that stand for a file system of their own: one for each device, the whole one with the shortest path.
fn real_ones<'a>(root: &Root, mounts: &'a [Mount]) -> Vec<&'a Mount> {
    let mut best: HashMap<&str, &Mount> = HashMap::new();
    let candidates = mounts.iter().enumerate().filter(|(index, mount)| {
        let is_hidden = mounts[index + 1..].iter().any(|later| later.mount == mount.mount);
        // Layers of containers lie on a file system that is listed itself; only a container's own root is all it can see.
        let is_layer = mount.kind == "overlay" && mount.mount != "/";
        !is_hidden && !is_layer && !NOT_REAL.contains(&mount.kind.as_str())
    });
    for (_, mount) in candidates {
        let rank = |mount: &Mount| (!mount.is_whole, mount.mount.len());
        let known = best.get(mount.number.as_str());
        if known.is_none_or(|known| rank(mount) < rank(known))
            && (mount.is_whole || root.path(&mount.mount).is_dir())
        {
            best.insert(&mount.number, mount);
        }
    }
    let mut real: Vec<_> = best.into_values().collect();
    real.sort_by(|a, b| a.mount.cmp(&b.mount));
    real
}

fn measure(root: &Root, mount: &Mount) -> Result<Option<FileSystem>, Missing> {
    let path = root.path(&mount.mount);
    let on_network = ["nfs", "cifs", "smb", "fuse.", "ceph", "9p", "afs", "glusterfs"];
    let status = if on_network.iter().any(|kind| mount.kind.starts_with(kind)) {
        let (tx, rx) = mpsc::channel();
        // A server that is gone blocks this thread for good; it ends with the process.
        thread::Builder::new()
            .spawn(move || tx.send(statvfs(&path)))
            .map_err(|error| Missing::unread(&mount.mount, &error))?;
        rx.recv_timeout(PATIENCE).map_err(|_| {
            Missing::new(
                &mount.mount,
                format!("it did not answer within {} s", PATIENCE.as_secs()),
            )
            .remedy("check the server, or unmount it")
        })?
    } else {
        statvfs(&path)
    };
    status
        .map(|status| filesystem(mount, &status))
        .map_err(|error| Missing::unread(&mount.mount, &error.into()))
}

/// Returns the figures as `df` has them; `None` for one without any space (a view of the kernel that is not known here).
fn filesystem(mount: &Mount, status: &StatVfs) -> Option<FileSystem> {
    let unit = if status.f_frsize == 0 {
        status.f_bsize
    } else {
        status.f_frsize
    };
    let used_blocks = status.f_blocks.saturating_sub(status.f_bfree);
    let inodes_used = status.f_files.saturating_sub(status.f_ffree);
    // Some report odd numbers of inodes that they do not have (btrfs 0; FAT and others all free).
    (status.f_blocks > 0).then(|| FileSystem {
        mount: mount.mount.clone(),
        device: mount.device.clone(),
        kind: mount.kind.clone(),
        total_bytes: status.f_blocks.saturating_mul(unit),
        available_bytes: status.f_bavail.saturating_mul(unit),
        used_bytes: used_blocks.saturating_mul(unit),
        // What is kept for root counts as neither used nor available.
        used_percent: percent(used_blocks, used_blocks.saturating_add(status.f_bavail)).unwrap_or(0.0),
        inodes_total: status.f_files,
        inodes_free: status.f_ffree,
        inodes_used,
        inodes_used_percent: percent(inodes_used, status.f_files),
        read_only: mount.options.first().is_some_and(|option| option == "ro"),
    })
}

/// Returns the share in percent with one decimal; `None` of nothing.
fn percent(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 1000.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::tests_root::root;

    const MOUNTS: &str = "\
22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
28 27 254:0 /var/lib/x /etc/hosts rw,relatime - ext4 /dev/vda1 rw
29 27 254:16 / /mnt/my\\040disk ro,nosuid - xfs /dev/vdb rw,attr2
30 27 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw
31 27 7:1 / /snap/core ro - squashfs /dev/loop1 ro
32 27 0:51 / /tmp rw - tmpfs tmpfs rw
";

    #[test]
    fn mounts_are_listed_with_their_options_and_names_unescaped() {
        let (_temp, root) = root(&[("proc/self/mountinfo", MOUNTS)]);
        let mounts = disks(&root).mounts.expect("read");
        assert_eq!(mounts.len(), 7);
        assert_eq!(mounts[1].options, ["rw", "relatime", "errors=remount-ro"]);
        assert_eq!(mounts[3].mount, "/mnt/my disk");
        assert_eq!(mounts[3].options, ["ro", "nosuid", "attr2"]);
    }

    #[test]
    fn real_file_systems_are_measured_once_and_an_absent_one_is_missing() {
        let (_temp, root) = root(&[("proc/self/mountinfo", MOUNTS), ("etc/hosts", "")]);
        let disks = disks(&root);
        let filesystems = disks.filesystems.expect("read");
        let seen: Vec<_> = filesystems
            .iter()
            .map(|fs| (fs.mount.as_str(), fs.read_only))
            .collect();
        assert_eq!(seen, [("/", false)]);
        assert!(filesystems[0].total_bytes > 0 && filesystems[0].used_percent <= 100.0);
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert_eq!(disks.unreadable, [Missing::unread("/mnt/my disk", &missing)]);
    }

    #[test]
    fn percentages_have_one_decimal() {
        assert_eq!((percent(2, 3), percent(0, 0)), (Some(66.7), None));
    }
}
