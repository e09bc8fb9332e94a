//! A tokio service whose handlers are instrumented for tracing and not annotated: `hprof::layer()` gives them rows.
//!
//! Calls: `connection` once per client, `handle`, `look_up` and `render` once per request. `look_up` waits, `render` works.

#![expect(clippy::print_stdout, reason = "printing is this program's job")]

use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tracing::instrument;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Start a service on this machine, send it requests, and say how many were answered.
#[derive(Clone, Copy, Debug, Parser)]
#[command(after_help = "Example:\n\n    echo_service --clients 4 100\n\nsends 400 requests.")]
struct Args {
    /// Clients that send at the same time
    #[arg(long, default_value_t = 4)]
    clients: u64,
    /// How long each request waits for its answer's text, milliseconds
    #[arg(long, default_value_t = 2)]
    wait: u64,
    /// Requests of each client
    #[arg(value_name = "N", default_value_t = 100)]
    requests: u64,
}

/// Answers the requests of one client, one a line, until it hangs up.
#[instrument(skip_all)]
async fn connection(client: TcpStream, wait: Duration) -> anyhow::Result<()> {
    let (requests, mut answers) = client.into_split();
    let mut requests = BufReader::new(requests).lines();
    while let Some(request) = requests.next_line().await? {
        let answer = handle(&request, wait).await?;
        answers.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

#[instrument(skip_all)]
async fn handle(request: &str, wait: Duration) -> anyhow::Result<String> {
    let number = look_up(request, wait).await?;
    Ok(render(number))
}

/// Stands for a database: it takes its time, but none of the processor's.
#[instrument(skip_all)]
async fn look_up(request: &str, wait: Duration) -> anyhow::Result<u64> {
    tokio::time::sleep(wait).await;
    request.parse().context("a request is a number")
}

/// The sum of the first numbers, the slow way.
#[instrument]
fn render(number: u64) -> String {
    let sum: u64 = (1..=number).map(std::hint::black_box).sum();
    format!("{sum}\n")
}

/// Sends requests one after the other; returns how many were answered as they should.
async fn client(address: std::net::SocketAddr, requests: u64) -> anyhow::Result<u64> {
    let (answers, mut out) = TcpStream::connect(address).await?.into_split();
    let mut answers = BufReader::new(answers).lines();
    let mut right = 0;
    for request in 0..requests {
        let number = 10_000 + request;
        out.write_all(format!("{number}\n").as_bytes()).await?;
        let answer = answers.next_line().await?.context("the service hung up")?;
        right += u64::from(answer == (number * (number + 1) / 2).to_string());
    }
    Ok(right)
}

async fn serve(args: Args) -> anyhow::Result<u64> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let clients: Vec<_> = (0..args.clients)
        .map(|_| tokio::spawn(client(address, args.requests)))
        .collect();
    let mut connections = Vec::new();
    for _ in 0..args.clients {
        let (stream, _) = listener.accept().await?;
        let wait = Duration::from_millis(args.wait);
        connections.push(tokio::spawn(connection(stream, wait)));
    }
    let mut right = 0;
    for client in clients {
        right += client.await??;
    }
    for connection in connections {
        connection.await??;
    }
    Ok(right)
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    tracing_subscriber::registry().with(hprof::layer()).init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let right = runtime.block_on(serve(args))?;
    println!(
        "{right} of {} requests answered",
        args.clients * args.requests
    );
    Ok(())
}
