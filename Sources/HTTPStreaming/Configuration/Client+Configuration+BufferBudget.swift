extension Client.Configuration {
    /// Bytes that the buffers of all requests under way in this process take together; 64 MiB unless
    /// set, and 64 KiB at least. May be set at any time, by any thread; a request that is under way
    /// keeps what it has.
    ///
    /// It is no property of one configuration, since it limits the sum. Counted are, for each request
    /// with a body, from its beginning to the end of its response:
    ///
    /// - the buffer of what is sent: up to ``uploadBufferSize``, less where there are many clients, and
    ///   64 KiB at least, unless the whole body or ``uploadBufferSize`` is less (16 KiB at least);
    /// - with a ``contentCoding``, or with parts that are ``Part/gzipped(level:)``, 1.3 MiB for each
    ///   worker and 0.5 MiB; with many clients there are fewer workers, but one at least.
    ///
    /// A quarter of the budget is divided among all clients there are, so that what is left is there
    /// for those to come. A request that finds less than it needs waits, suspended, until others have
    /// ended, in the order of the calls; cancelling its task ends the wait. No request waits while it
    /// has a buffer, with one exception: an open one (``Client/sendUnclosed(_:progress:)``) that is
    /// given its first gzipped part.
    ///
    /// An open request keeps its buffer while nothing is sent. Where more are open, and stay so, than
    /// fit (1,024 with 64 MiB, 33 with a content coding), those that come after wait for ever: let the
    /// budget be larger there.
    ///
    /// Not counted, but bounded by it: the content of a response that has come and has not been read,
    /// up to 256 KiB of each, less where there are many clients, and 32 KiB with any number.
    public static var bufferBudget: Int {
        get { BufferBudget.shared.limit }
        set { BufferBudget.shared.limit = newValue }
    }

    /// The most bytes that have been counted at a time: for tests, in whichever process.
    package static var bufferPeak: Int { BufferBudget.shared.peak }
}
