// Symptom: libcurl does not report that a response is complete while sending continues or is paused.
// Versions: 7.88 to 8.23, all that were tested.
// Workaround: for a duplex request libcurl does not remove the framing of chunks, and `ResponseFraming` finds the end.

extension Transfer {
    /// Passes received content to the reader, without its framing.
    ///
    /// - Returns: false if the reader's buffer has no room; then nothing was taken.
    func takeContent(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard var framing = download.framing else { return download.content.append(bytes) }
        let unframed = framing.content(in: bytes)
        guard unframed.isEmpty || unframed.withUnsafeBytes({ download.content.append($0) }) else { return false }
        download.framing = framing
        endContentIfComplete()
        return true
    }

    func endContentIfComplete() {
        guard download.framing?.isComplete == true else { return }
        machine.contentEnded()
        download.content.complete()
    }

    /// Whether the whole response was received.
    ///
    /// - Parameter isHungUp: whether the peer has closed its side orderly, which ends content without a length.
    func isResponseComplete(isHungUp: Bool) -> Bool {
        machine.download == .complete
            || isHungUp && machine.download == .receiving && download.framing?.isOpenEnded == true
    }
}
