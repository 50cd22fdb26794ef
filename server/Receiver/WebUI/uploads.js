// Uploads

/** Bytes per second: a moving average that is correct from the first sample on. */
class Rate {
    #average = 0;
    #weight = 0;
    #total;
    #time = performance.now();

    constructor(total) {
        this.#total = total;
    }

    sample(total) {
        const now = performance.now();
        const seconds = (now - this.#time) / 1000;
        if (seconds < 0.05) return;
        const kept = Math.exp(-seconds / averagedSeconds);
        this.#average = kept * this.#average + (1 - kept) * (total - this.#total) / seconds;
        this.#weight = kept * this.#weight + (1 - kept);
        this.#total = total;
        this.#time = now;
    }

    get value() {
        return this.#weight > 0 ? this.#average / this.#weight : 0;
    }
}

class Upload {
    /** One of: queued, active, interrupted, stored, failed, cancelled. */
    state = "queued";
    sent = 0;
    rate = null;
    /** With the file as its body. */
    request = null;
    token = "";
    /** The unfinished upload on the server. */
    location = null;
    /** How many bytes the server said it has stored. */
    stored = 0;
    /** How often the file was sent, and how often a request was interrupted, since it has stored more. */
    attempts = 0;
    interruptions = 0;
    /** When the next attempt begins, and a function that begins it. */
    due = 0;
    goOn = null;
    /** Whether the file is sent in one request, which cannot go on. */
    isOrdinary = false;
    /** The cause of a failure or an interruption. */
    reason = "";
    savedAs = "";
    link = null;
    row = null;

    constructor(file, path) {
        this.file = file;
        this.path = path;
        // Read once: a browser may access the disk each time.
        this.size = file.size;
    }
}

const queue = [];
const active = new Set();
const failed = new Set();
/** Stored or cancelled, newest first. */
const finished = [];
let finishedNotShown = 0;
let queuedBytes = 0;
let transferred = 0;
/** Since the page was last idle. */
let batch = { files: 0, bytes: 0, rate: null };
/** Whether no upload is started until the user has entered a token. */
let needsToken = false;
let token = storedToken();

const isIdle = () => active.size === 0 && queue.length === 0;

function add(files, continuesBatch = false) {
    if (files.length === 0) return;
    if (isIdle() && !continuesBatch) batch = { files: 0, bytes: 0, rate: null };
    for (const { file, path } of files) {
        const upload = new Upload(file, path);
        queue.push(upload);
        leftBehind.delete(keyOf(upload));
        queuedBytes += upload.size;
    }
    news.added += files.length;
    announceSoon();
    startNext();
}

function startNext() {
    if (isIdle()) needsToken = false;
    const isMissing = document.documentElement.dataset.authorization === "required" && token === "";
    if (isMissing && queue.length > 0) askForToken("Enter the token: the files are sent after that.");
    while (!needsToken && active.size < parallelUploads && queue.length > 0) start(queue.shift());
    renderSoon();
}

function start(upload) {
    queuedBytes -= upload.size;
    active.add(upload);
    Object.assign(upload, { state: "active", token });
    upload.location ??= rememberedLocation(upload);
    run(upload);
}

function conclude(upload, request) {
    if (request.status === 201) {
        active.delete(upload);
        forget(upload);
        upload.savedAs = answerContent(request).parts?.[0]?.saved_as ?? upload.file.name;
        // Null if the server stores nothing (--discard).
        upload.link = request.getResponseHeader("Location");
        batch.files += 1;
        batch.bytes += upload.size;
        finish(upload, "stored");
        refreshList();
        startNext();
    } else if (request.status === 401) {
        active.delete(upload);
        enqueueFirst(upload);
        // It may have been sent before the token was corrected.
        if (upload.token === token) {
            askForToken(answerContent(request).error ?? "The server does not accept this token.");
        }
        startNext();
    } else {
        // What a server without space has stored can be used later.
        if (request.status < 500) discard(upload);
        end(upload, refusalText(request));
    }
}

/** Ends an active upload that has failed. */
function end(upload, reason) {
    active.delete(upload);
    fail(upload, reason);
    startNext();
}

function fail(upload, reason) {
    Object.assign(upload, { state: "failed", reason });
    failed.add(upload);
    news.failed.push(`${upload.path} failed: ${reason}`);
    announceSoon();
}

function finish(upload, state) {
    upload.state = state;
    news[state].push(`${upload.path} ${state}`);
    finished.unshift(upload);
    if (finished.length > shownFinished) {
        finished.pop();
        finishedNotShown += 1;
    }
    announceSoon();
}

/** Frees what the server has of an upload. */
function discard(upload) {
    if (!upload.location) return;
    forget(upload);
    deleteUpload(upload.location);
    upload.location = null;
}

function enqueueFirst(upload) {
    Object.assign(upload, { state: "queued", sent: 0 });
    queue.unshift(upload);
    queuedBytes += upload.size;
}

// A button exists until the next rendering: when it is pressed, the upload may be in another state.

function retry(upload) {
    if (upload.state !== "failed" && upload.state !== "cancelled") return;
    if (!failed.delete(upload)) finished.splice(finished.indexOf(upload), 1);
    // Another object: requests of the old one may be running.
    const { location, row } = upload;
    enqueueFirst(Object.assign(new Upload(upload.file, upload.path), { location, row }));
    startNext();
}

/** Ends the requests of an active upload. */
function stop(upload) {
    active.delete(upload);
    upload.request?.abort();
    upload.goOn?.();
    discard(upload);
}

function cancel(upload) {
    if (active.has(upload)) {
        stop(upload);
    } else if (upload.state === "queued") {
        queue.splice(queue.indexOf(upload), 1);
        queuedBytes -= upload.size;
        discard(upload);
    } else {
        return;
    }
    finish(upload, "cancelled");
    startNext();
}

function cancelAll() {
    const all = [...active, ...queue.splice(0)];
    queuedBytes = 0;
    // The list shows the newest first, and the last upload is the newest: reversing keeps the order.
    for (const upload of all.reverse()) {
        stop(upload);
        finish(upload, "cancelled");
    }
    startNext();
}
