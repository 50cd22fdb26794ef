/// Asks a connection, or a stream of HTTP/2, to be closed now, even where it is just being ended in good order: its client
/// does not take what it has been sent, or the server has to stop.
struct AbortEvent: Sendable {}
