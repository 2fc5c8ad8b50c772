//! TUN devices: what the kernel sends into one is read here, and what is written here it receives
//! (Documentation/networking/tuntap.rst).

#![expect(
    unsafe_code,
    reason = "three ioctls of /dev/net/tun, which no library has with all their flags"
)]

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::ioctl::{IntegerSetter, Setter, Updater, ioctl, opcode};

/// A device that lives as long as its descriptor.
#[derive(Debug)]
pub(crate) struct Tun {
    pub(crate) fd: OwnedFd,
}

/// `struct ifreq`: a name and flags.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: u16,
    padding: [u8; 22],
}

/// Bare IP packets (include/uapi/linux/if_tun.h).
const IFF_TUN: u16 = 0x0001;
/// No four bytes before each.
const IFF_NO_PI: u16 = 0x1000;
/// A `struct virtio_net_hdr` before each.
const IFF_VNET_HDR: u16 = 0x4000;

const TUN_F_CSUM: usize = 0x01;
const TUN_F_TSO4: usize = 0x02;
const TUN_F_TSO6: usize = 0x04;
const TUN_F_TSO_ECN: usize = 0x08;
const TUN_F_USO4: usize = 0x20;
const TUN_F_USO6: usize = 0x40;

const SET_INTERFACE: u32 = opcode::write::<i32>(b'T', 202);
const SET_OFFLOAD: u32 = opcode::write::<u32>(b'T', 208);
const SET_HEADER_SIZE: u32 = opcode::write::<i32>(b'T', 216);

impl Tun {
    /// Makes a device of this name in the network namespace of this thread. Reading from it does not
    /// block.
    pub(crate) fn create(node: &Path, name: &str) -> io::Result<Self> {
        let fd = open(
            node,
            OFlags::RDWR | OFlags::CLOEXEC | OFlags::NONBLOCK,
            Mode::empty(),
        )?;
        let mut request = InterfaceRequest {
            name: [0; 16],
            flags: IFF_TUN | IFF_NO_PI | IFF_VNET_HDR,
            padding: [0; 22],
        };
        for (to, from) in request.name.iter_mut().take(15).zip(name.bytes()) {
            *to = from;
        }
        // SAFETY: TUNSETIFF reads a `struct ifreq` of 40 bytes and writes it back; the request is laid out as one.
        unsafe { ioctl(fd.as_fd(), Updater::<SET_INTERFACE, _>::new(&mut request)) }?;
        // SAFETY: TUNSETVNETHDRSZ reads an `int`.
        unsafe { ioctl(fd.as_fd(), Setter::<SET_HEADER_SIZE, i32>::new(10)) }?;
        let tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
        match set_offloads(&fd, tcp | TUN_F_USO4 | TUN_F_USO6) {
            // Kernels before 6.2 know no trains of UDP.
            Err(rustix::io::Errno::INVAL) => set_offloads(&fd, tcp)?,
            other => other?,
        }
        Ok(Self { fd })
    }
}

fn set_offloads(fd: &OwnedFd, flags: usize) -> rustix::io::Result<()> {
    // SAFETY: TUNSETOFFLOAD takes its flags by value and touches no memory of ours.
    unsafe { ioctl(fd.as_fd(), IntegerSetter::<SET_OFFLOAD>::new_usize(flags)) }
}

const _: () = assert!(size_of::<InterfaceRequest>() == 40);
