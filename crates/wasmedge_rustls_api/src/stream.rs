//! A connection with TLS on it. Knows nothing of whom to trust.

/// Under this path because callers look for it there.
pub mod async_stream {
    use std::{
        future::poll_fn,
        io::{self, ErrorKind, Read, Write},
        pin::Pin,
        task::{Context, Poll, ready},
    };

    use rustls::ClientConnection;
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use crate::{ClientConfig, TlsError};

    /// The client's side of a TLS connection over `IO`.
    ///
    /// What is written goes out when it is flushed, or earlier: as few and as large writes to `IO` as can be.
    #[derive(Debug)]
    pub struct TlsStream<IO> {
        io: IO,
        session: ClientConnection,
        /// Encrypted, on its way out; the first `sent` bytes of it are gone.
        outgoing: Vec<u8>,
        sent: usize,
        closing: bool,
    }

    impl<IO: AsyncRead + AsyncWrite + Unpin> TlsStream<IO> {
        /// Shakes hands with `server`, a host name or an IP address, whose certificate has to be for that name.
        ///
        /// # Errors
        /// What broke the connection, or a [`TlsError`] in an [`io::Error`]; with `io`, of which nothing can be
        /// expected then.
        pub async fn connect<S: AsRef<str>>(
            config: &ClientConfig,
            server: S,
            io: IO,
        ) -> Result<TlsStream<IO>, (io::Error, IO)> {
            let session = match config.connection(server.as_ref()) {
                Ok(session) => session,
                Err(error) => return Err((error.into(), io)),
            };
            let mut stream = TlsStream { io, session, outgoing: Vec::new(), sent: 0, closing: false };
            match poll_fn(|context| stream.poll_handshake(context)).await {
                Ok(()) => Ok(stream),
                Err(error) => Err((error, stream.io)),
            }
        }

        fn poll_handshake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            loop {
                ready!(self.poll_send(context))?;
                if !self.session.is_handshaking() {
                    return Pin::new(&mut self.io).poll_flush(context);
                }
                if ready!(self.poll_receive(context))? == 0 {
                    let gone = "the server has closed the connection during the handshake";
                    return Poll::Ready(Err(TlsError::Protocol(gone.into()).into()));
                }
            }
        }

        /// Takes what has arrived; the number of encrypted bytes, 0 at the end.
        fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
            let mut arrived = Arrived { io: &mut self.io, context };
            let length = match self.session.read_tls(&mut arrived) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Poll::Pending,
                other => other?,
            };
            if let Err(error) = self.session.process_new_packets() {
                // The server is told, if it still listens.
                let _ = self.poll_send(context);
                return Poll::Ready(Err(TlsError::from(error).into()));
            }
            Poll::Ready(Ok(length))
        }

        /// Sends all that is encrypted or can be.
        fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            loop {
                while let Some(rest @ [_, ..]) = self.outgoing.get(self.sent..) {
                    match ready!(Pin::new(&mut self.io).poll_write(context, rest))? {
                        0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                        length => self.sent = self.sent.saturating_add(length),
                    }
                }
                self.outgoing.clear();
                self.sent = 0;
                if !self.session.wants_write() {
                    return Poll::Ready(Ok(()));
                }
                while self.session.wants_write() {
                    self.session.write_tls(&mut self.outgoing)?;
                }
            }
        }
    }

    impl<IO> TlsStream<IO> {
        /// What it stands on, and the TLS session.
        pub fn get_ref(&self) -> (&IO, &ClientConnection) {
            (&self.io, &self.session)
        }

        /// The same, to be changed. What is read or written there is missing here.
        pub fn get_mut(&mut self) -> (&mut IO, &mut ClientConnection) {
            (&mut self.io, &mut self.session)
        }

        /// The same, for good. What was on its way is lost.
        pub fn into_inner(self) -> (IO, ClientConnection) {
            (self.io, self.session)
        }
    }

    /// An end that the server did not announce is an error ([`ErrorKind::UnexpectedEof`]): somebody may have cut it off.
    impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for TlsStream<IO> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            loop {
                match self.session.reader().read(buffer.initialize_unfilled()) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    other => {
                        buffer.advance(other?);
                        return Poll::Ready(Ok(()));
                    }
                }
                ready!(self.poll_receive(context))?;
                // What TLS itself says to that does not wait for a write. One that is on its way takes it along: whoever
                // waits for that one stays the one that is woken. If this fails, the next write hears of it.
                if self.outgoing.is_empty() && self.session.wants_write() {
                    let _ = self.poll_send(context);
                }
            }
        }
    }

    impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TlsStream<IO> {
        fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            // What was taken before has to go first, so that no more is held than one write's.
            ready!(self.poll_send(context))?;
            let length = self.session.writer().write(bytes)?;
            match self.poll_send(context) {
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                _ => Poll::Ready(Ok(length)),
            }
        }

        fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            ready!(self.poll_send(context))?;
            Pin::new(&mut self.io).poll_flush(context)
        }

        fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
            if !self.closing {
                self.session.send_close_notify();
                self.closing = true;
            }
            ready!(self.poll_send(context))?;
            Pin::new(&mut self.io).poll_shutdown(context)
        }
    }

    /// What `rustls` reads from: a stream that says so when it has nothing yet.
    struct Arrived<'a, 'b, IO> {
        io: &'a mut IO,
        context: &'a mut Context<'b>,
    }

    impl<IO: AsyncRead + Unpin> Read for Arrived<'_, '_, IO> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let mut buffer = ReadBuf::new(bytes);
            match Pin::new(&mut *self.io).poll_read(self.context, &mut buffer) {
                Poll::Ready(result) => result.map(|()| buffer.filled().len()),
                Poll::Pending => Err(ErrorKind::WouldBlock.into()),
            }
        }
    }
}
