//! Where Prometheus asks how the channels stand. It is answered by HTTP, without encryption, and
//! by whoever can reach the address: so it is on loopback, unless a host is given.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::thread;

use metrics_exporter_prometheus::PrometheusBuilder;
use ringfence::board::Board;
use ringfence::metrics::Exporter;
use tiny_http::{Header, Method, Request, Response, Server};

/// The format of the text, which Prometheus wants to be told.
const FORMAT: &str = "Content-Type: text/plain; version=0.0.4; charset=utf-8";

/// From `PORT` or `HOST:PORT`. The system chooses a port instead of 0.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    if let Ok(port) = text.strip_prefix(':').unwrap_or(text).parse() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let mut all = text.to_socket_addrs().map_err(|error| error.to_string())?;
    all.next().ok_or_else(|| "no such host".into())
}

/// Says from now on how the board stands, on a thread that lives as long as the process. Returns
/// where.
pub(crate) fn serve(address: SocketAddr, board: Board) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    let server = Server::from_listener(listener, None).map_err(io::Error::other)?;
    let exporter = Exporter::new(board);
    let recorder = PrometheusBuilder::new().build_recorder();
    metrics::with_local_recorder(&recorder, || exporter.describe());
    thread::Builder::new()
        .name("metrics".into())
        .spawn(move || {
            // One after the other, so that no record comes between another and its text.
            for request in server.incoming_requests() {
                let text = || {
                    metrics::with_local_recorder(&recorder, || exporter.record());
                    recorder.handle().render()
                };
                // Who has gone meanwhile needs no answer.
                let _ = answer(request, text);
            }
        })?;
    Ok(address)
}

fn answer(request: Request, text: impl FnOnce() -> String) -> io::Result<()> {
    let response = match (request.method(), request.url()) {
        (Method::Get | Method::Head, "/metrics") => Response::from_string(text())
            .with_header(FORMAT.parse::<Header>().expect("it is a header")),
        (Method::Get | Method::Head, _) => {
            Response::from_string("see /metrics\n").with_status_code(404)
        }
        _ => Response::from_string("it can only be read\n").with_status_code(405),
    };
    request.respond(response)
}
