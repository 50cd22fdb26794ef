/// What may be done to a running request from any task or thread; none of it suspends or blocks.
extension Client {
    /// Ends whatever request is running or open, and all calls that have been made before: they throw
    /// ``ClientError/Code/cancelled``, also those that wait for their turn, and so does whoever reads
    /// a response that has not come whole. The connection of that request is closed.
    ///
    /// Calls made afterwards begin anew; nothing is open then. To end one call only, cancel its task.
    public func cancel() {
        // In this order: who is through the turnstile looks there after it has told the agent, and
        // before it says what is open.
        turnstile.cancelAll()
        forgetOpenRequest()
        connection.agent.post(.cancelAll(connection: connection.id))
    }

    /// Stops sending bodies, of the request that is running and of those to come, until ``resume()``.
    ///
    /// What libcurl has been given already goes on, ``Configuration/uploadBufferSize`` at most. The
    /// connection stays, and what the server does is noticed: an answer that refuses the rest is
    /// returned, and a connection that it closes is an error, as if the client were not paused.
    /// Responses are received as ever. ``Configuration/stallTimeout`` and
    /// ``Configuration/requestTimeout`` do not run; the server's own limits do.
    public func pause() { setPaused(true) }

    /// Goes on sending after ``pause()``; does nothing otherwise.
    public func resume() { setPaused(false) }

    /// Whether ``pause()`` is in force.
    public var isPaused: Bool { control.isPaused }

    private func setPaused(_ isPaused: Bool) {
        control.isPaused = isPaused
        connection.agent.post(.controlChanged(connection: connection.id))
    }

    /// How many bytes of a body, after its content coding, may be sent in a second; nil for no limit.
    /// Less than one is taken for one. ``Configuration/maximumUploadRate`` unless set; a change is
    /// in force at once, also for the request that is running.
    ///
    /// They are sent in pieces of a twentieth of a second, or of 512 KiB, whichever is less; a client that
    /// was idle, or could not send as fast, may be ahead by a tenth of a second. All requests of a client keep to the limit
    /// together. Headers and chunk framing are not counted.
    public var maximumUploadRate: Int? {
        get { control.maximumRate }
        set {
            control.maximumRate = newValue
            connection.agent.post(.controlChanged(connection: connection.id))
        }
    }
}
