/// Finds the end of a response where libcurl does not tell; see ``ResponseFraming``.
extension Transfer {
    /// Passes received content on to the reader, without its framing.
    ///
    /// - Returns: false if the reader is too far behind, and nothing was taken.
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

    /// Whether the whole response has been received.
    ///
    /// - Parameter isHungUp: whether the peer has closed its side in order, which ends content without a length.
    func isResponseComplete(isHungUp: Bool) -> Bool {
        machine.download == .complete
            || isHungUp && machine.download == .receiving && download.framing?.isOpenEnded == true
    }
}
