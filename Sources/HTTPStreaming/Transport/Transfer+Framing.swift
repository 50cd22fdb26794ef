/// The end of a response, found where libcurl does not tell; see ``ResponseFraming``.
extension Transfer {
    /// Takes content off what has come.
    ///
    /// - Returns: false if the reader is too far behind, and nothing was taken.
    func takeContent(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard var framing else { return content.append(bytes) }
        let unframed = framing.content(in: bytes)
        guard unframed.isEmpty || unframed.withUnsafeBytes({ content.append($0) }) else { return false }
        self.framing = framing
        endContentIfComplete()
        return true
    }

    func endContentIfComplete() {
        guard framing?.isComplete == true else { return }
        machine.contentEnded()
        content.complete()
    }

    /// Whether nothing is missing of the response.
    ///
    /// - Parameter isHungUp: whether the peer has closed its side in order, which ends content that nothing
    ///   else ends.
    func isResponseComplete(isHungUp: Bool) -> Bool {
        machine.download == .complete || isHungUp && machine.download == .receiving && framing?.isOpenEnded == true
    }
}
