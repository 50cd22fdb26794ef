internal import CCurl

// Symptom: after a refusal with `Connection: close`, or from an HTTP/1.0 server, libcurl keeps asking for bytes. If
// sending is paused, the transfer never ends.
// Versions: before 8.9.0. Later versions end it, but report an early end of the body as an error.
// https://curl.se/changes.html
// Workaround: after a refusal the read callback ends the body before 8.9.0, and pauses from then on.

extension MultiHandle {
    /// Whether the loaded libcurl ends a transfer with its response although sending is paused.
    static let endsPausedTransfers = ccurl_version_number() >= 0x080900
}
