//! Attacks over sockets.

use crate::{Attack, World, call, done};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

fn socket(family: i32, kind: i32, protocol: i32) -> io::Result<()> {
    call(libc::SYS_socket, [family as usize, kind as usize, protocol as usize, 0, 0, 0]).and_then(done)
}

fn abstract_name(world: &World) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(format!("nda-box-{}", world.victim))
}

pub const ATTACKS: &[Attack] = &[
    ("connect_by_tcp", |w| TcpStream::connect(("127.0.0.1", w.tcp)).and_then(done)),
    ("connect_by_tcp_of_version_6", |w| TcpStream::connect(("::1", w.tcp)).and_then(done)),
    ("listen_on_tcp", |_| TcpListener::bind("127.0.0.1:0").and_then(done)),
    ("send_by_udp", |w| UdpSocket::bind("127.0.0.1:0")?.send_to(b"through", ("127.0.0.1", w.udp)).and_then(done)),
    ("connect_to_a_socket_in_a_folder", |w| UnixStream::connect(w.outside.join("socket")).and_then(done)),
    ("connect_to_a_socket_in_the_project", |w| UnixStream::connect(w.project.join("socket")).and_then(done)),
    ("connect_to_a_socket_without_a_path", |w| UnixStream::connect_addr(&abstract_name(w)?).and_then(done)),
    ("listen_in_the_project", |w| UnixListener::bind(w.project.join("mine")).and_then(done)),
    ("ask_the_kernel_by_netlink", |_| socket(libc::AF_NETLINK, libc::SOCK_RAW, 0)),
    ("open_a_raw_socket", |_| socket(libc::AF_INET, libc::SOCK_RAW, libc::IPPROTO_ICMP)),
    ("open_a_packet_socket", |_| socket(libc::AF_PACKET, libc::SOCK_RAW, 3)),
    ("open_a_socket_of_the_hypervisor", |_| socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0)),
    ("open_a_socket_of_the_ciphers", |_| socket(libc::AF_ALG, libc::SOCK_SEQPACKET, 0)),
    ("open_a_bluetooth_socket", |_| socket(libc::AF_BLUETOOTH, libc::SOCK_RAW, 1)),
];
