/// Control of a running request, from any task or thread; nothing here suspends or blocks.
extension Client {
    /// Ends the request that is running or open, and all calls that have been made before: they throw
    /// ``ClientError/Code/cancelled``, also those that wait for their turn, and so does reading a response that has
    /// not been received completely. The connection of that request is closed.
    ///
    /// Calls made afterwards begin anew; nothing is open then. To end one call only, cancel its task.
    public func cancel() {
        // In this order: a running call looks at the queue after it has told the agent of its request, and before it
        // notes what is open.
        calls.cancelAll()
        let open = forgetOpenRequest()
        connection.agent.post(.cancelAll(connection: connection.id))
        if let open { delete(open) }
    }

    /// Stops sending bodies, of the running request and of later ones, until ``resume()``.
    ///
    /// Bytes that libcurl has been given are still sent, ``Configuration/uploadBufferSize`` at most. The
    /// connection stays, and the server is watched: an answer that refuses the rest is returned, and a connection
    /// that the server closes is an error, as if the client were not paused. Responses are received as ever.
    /// ``Configuration/stallTimeout`` and ``Configuration/requestTimeout`` do not run; the server's own limits do.
    public func pause() { setPaused(true) }

    /// Continues sending after ``pause()``; without effect otherwise.
    public func resume() { setPaused(false) }

    /// Whether ``pause()`` is in force.
    public var isPaused: Bool { control.isPaused }

    private func setPaused(_ isPaused: Bool) {
        control.isPaused = isPaused
        connection.agent.post(.controlChanged(connection: connection.id))
    }

    /// The most bytes of bodies, after their content coding, that are sent in a second; nil for no limit.
    /// Values below 1 count as 1. ``Configuration/maximumUploadBytesPerSecond`` by default; a change applies at once,
    /// also to the running request.
    ///
    /// Bytes are sent in pieces of a twentieth of a second or of 512 KiB, whichever is less; after a pause the client
    /// may be ahead by a tenth of a second. The limit is for all requests of the client together. Headers and chunk
    /// framing are not counted.
    public var maximumUploadBytesPerSecond: Int? {
        get { control.maximumRate }
        set {
            control.maximumRate = newValue
            connection.agent.post(.controlChanged(connection: connection.id))
        }
    }
}
