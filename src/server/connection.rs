//! A client's connection as hyper sees it, with what hyper leaves to others: how long a client may take, an answer with
//! a body to a head that is no request, and a close that lets the client read the last answer.

use std::{
    io::{self, IoSlice},
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{StatusCode, server::conn::AddrStream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    task::yield_now,
    time::{Instant, Sleep, sleep_until},
};

use super::{progress::Progress, refusal::refusal};
use crate::{App, error::Error};

/// How long the end of a connection may take: closed while the client still sends, it would be reset, and the last
/// answer lost with it.
const LINGER: Duration = Duration::from_secs(2);

/// So much is read from a client before the others have their turn.
const TURN: usize = 256 << 10;

/// What the connection waits for.
#[derive(Clone, Copy, PartialEq)]
enum Waiting {
    /// The next request, of which nothing has arrived.
    Idle,
    /// The rest of a request's head.
    Head,
    /// Room for more of an answer.
    Send,
    /// The client's end, after the last answer.
    End,
}

/// A connection with its time limits.
pub struct Connection {
    stream: AddrStream,
    progress: Arc<Progress>,
    app: Arc<App>,
    waiting: Waiting,
    since: Instant,
    /// Wakes this task; set again only when it has rung, however often the time limit has moved since.
    timer: Option<Pin<Box<Sleep>>>,
    /// Everything has been sent: what comes next begins an answer.
    flushed: bool,
    /// Something has been sent.
    used: bool,
    /// Bytes read since the others had their turn.
    read: usize,
    /// An answer of our own, and how much of it has been sent.
    own: Vec<u8>,
    sent: usize,
}

impl Connection {
    /// A connection that has just been accepted.
    pub fn new(stream: AddrStream, progress: Arc<Progress>, app: Arc<App>) -> Connection {
        Connection {
            stream,
            progress,
            app,
            waiting: Waiting::Idle,
            since: Instant::now(),
            timer: None,
            flushed: true,
            used: false,
            read: 0,
            own: Vec::new(),
            sent: 0,
        }
    }

    /// Answers with `error` and closes, whatever the client sends.
    pub async fn turn_away(mut self, error: Error) {
        self.own = refusal(&self.app, &error);
        let _ = std::future::poll_fn(|context| {
            if ready!(self.poll_own(context)).is_err() {
                return Poll::Ready(Ok(()));
            }
            Pin::new(&mut self).poll_shutdown(context)
        })
        .await;
    }

    fn wait_for(&mut self, waiting: Waiting) {
        self.waiting = waiting;
        self.since = Instant::now();
    }

    /// Whether what is waited for has taken too long. If not, this task is woken when it has.
    fn poll_time_is_up(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let limit = match self.waiting {
            Waiting::Idle => self.app.config.keep_alive_timeout,
            Waiting::Head => self.app.config.header_timeout,
            Waiting::Send => self.app.config.send_timeout,
            Waiting::End => LINGER,
        };
        let Some(end) = self.since.checked_add(limit) else { return Poll::Pending };
        loop {
            let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
            if timer.deadline() > end {
                timer.as_mut().reset(end); // the limit was a longer one
            }
            ready!(timer.as_mut().poll(context));
            if Instant::now() >= end {
                return Poll::Ready(());
            }
            timer.as_mut().reset(end);
        }
    }

    /// Sends what is left of an answer of our own.
    fn poll_own(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.own.get(self.sent..).filter(|rest| !rest.is_empty()) {
            match Pin::new(&mut self.stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(sent)) => self.sent = self.sent.saturating_add(sent),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return self.poll_too_slow(context),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// The client takes nothing at the moment.
    fn poll_too_slow<T>(&mut self, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.waiting != Waiting::Send {
            self.wait_for(Waiting::Send);
        }
        self.poll_time_is_up(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Whether hyper refuses a head by itself, because it is no request or too long a one; with which status. hyper's
    /// answer has no body, and the log does not know of it.
    fn refuses(&self, bytes: &[u8]) -> Option<StatusCode> {
        if !self.flushed || self.progress.is_busy() {
            return None;
        }
        let status = bytes.strip_prefix(b"HTTP/1.1 ").or_else(|| bytes.strip_prefix(b"HTTP/1.0 "))?;
        StatusCode::from_bytes(status.get(..3)?).ok().filter(StatusCode::is_client_error)
    }

    /// What has to be known of each write that the stream has taken part of.
    fn wrote(&mut self, written: usize) {
        self.wait_for(Waiting::Idle);
        self.flushed = false;
        self.used = true;
        if written > 0 {
            self.progress.sent();
        }
    }

    fn poll_write_with(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        size: usize,
        write: impl FnOnce(Pin<&mut AddrStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if self.own.is_empty() {
            if let Some(status) = self.refuses(first) {
                self.own = refusal(&self.app, &Error::Head(status));
                self.wait_for(Waiting::Idle);
            }
        }
        if !self.own.is_empty() {
            ready!(self.poll_own(context))?;
            return Poll::Ready(Ok(size));
        }
        match write(Pin::new(&mut self.stream), context) {
            Poll::Ready(Ok(written)) => {
                self.wrote(written);
                Poll::Ready(Ok(written))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_too_slow(context),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if this.own.is_empty() && this.waiting != Waiting::End {
            // hyper reads chunk extensions and trailers for as long as they come, and gives them to nobody.
            if this.read >= TURN {
                this.read = 0;
                ready!(pin!(yield_now()).poll(context));
            }
            match Pin::new(&mut this.stream).poll_read(context, buffer) {
                Poll::Ready(result) => {
                    let read = buffer.filled().len().saturating_sub(before);
                    this.read = this.read.saturating_add(read);
                    if this.waiting == Waiting::Idle && read > 0 {
                        this.wait_for(Waiting::Head);
                    }
                    return Poll::Ready(result);
                }
                Poll::Pending if this.progress.is_busy() => return Poll::Pending,
                // hyper closes idle connections itself when the process ends, but not one that has never been used.
                Poll::Pending if !this.used && this.waiting == Waiting::Idle && this.app.drain.is_closing() => {}
                Poll::Pending => ready!(this.poll_time_is_up(context)),
            }
            if this.waiting != Waiting::Head {
                return Poll::Ready(Ok(())); // the end, as if the client had closed
            }
            let error = Error::RequestTimeout("the request's head took too long to arrive");
            this.own = refusal(&this.app, &error);
            this.wait_for(Waiting::Idle);
        }
        ready!(this.poll_own(context))?;
        // Then the end, which hyper takes for a client that has left in the middle of a head.
        Pin::new(this).poll_shutdown(context)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().poll_write_with(context, bytes, bytes.len(), |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.first().map_or(&[][..], |slice| slice);
        let size = slices.iter().map(|slice| slice.len()).sum();
        self.get_mut()
            .poll_write_with(context, first, size, |stream, context| stream.poll_write_vectored(context, slices))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flushed = true;
        self.progress.flushed();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Closes this end, and waits for the client's: what it still sends is thrown away.
    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.waiting = Waiting::End; // since the last answer, which most clients have long read
        ready!(Pin::new(&mut this.stream).poll_shutdown(context))?;
        // Here too, because one that sends all the time is never waited for.
        if this.poll_time_is_up(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        loop {
            let mut room = [0; 4096];
            let mut buffer = ReadBuf::new(&mut room);
            match Pin::new(&mut this.stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return this.poll_time_is_up(context).map(Ok),
            }
        }
    }
}
