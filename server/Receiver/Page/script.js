// The page sends each file as the body of a PUT of its own: the browser reads it from the disk while it sends it.

const parallelUploads = 3;
// Of thousands of uploads, only those worth looking at are elements of the page.
const shownQueued = 10;
const shownFinished = 100;
const shownFiles = 200;
const filterFrom = 10;
const renderInterval = 150;
const averagedSeconds = 3;

const byID = id => document.getElementById(id);
const pageTitle = document.title;

// Formatting

function sizeText(bytes) {
    if (bytes < 1000) return `${Math.round(bytes)}\u00a0B`;
    const units = ["kB", "MB", "GB", "TB", "PB"];
    let value = bytes / 1000;
    let unit = 0;
    while (value >= 999.5 && unit < units.length - 1) {
        value /= 1000;
        unit += 1;
    }
    return `${value.toFixed(value < 99.95 ? 1 : 0)}\u00a0${units[unit]}`;
}

function durationText(seconds) {
    if (seconds < 59.5) return `${Math.max(1, Math.round(seconds))}\u00a0s`;
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return `${minutes}\u00a0min`;
    if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}\u00a0h ${minutes % 60}\u00a0min`;
    return `${Math.round(minutes / 1440)}\u00a0days`;
}

const countText = (count, noun) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
const exactText = bytes => countText(bytes, "byte");
const percentText = (part, whole) => `${whole > 0 ? Math.floor(100 * part / whole) : 100}%`;

function timeText(date) {
    const clock = { hour: "2-digit", minute: "2-digit" };
    const isThisYear = date.getFullYear() === new Date().getFullYear();
    return date.toLocaleString([], { day: "numeric", month: "short", ...(isThisYear ? clock : { year: "numeric" }) });
}

// Elements

/** Names come from anybody: they only ever become text, never markup. */
function element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
}

const nameElement = name => element("bdi", { textContent: name, title: name });

function setText(node, text) {
    if (node.textContent !== text) node.textContent = text;
}

/** Makes the rows the children of the parent. Leaves alone what is in place, which keeps the focus there. */
function arrange(parent, rows) {
    const kept = new Set(rows);
    for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
    rows.forEach((row, index) => {
        if (parent.children[index] !== row) parent.insertBefore(row, parent.children[index] ?? null);
    });
}

// What a screen reader is told: events, gathered for a second, but no progress

const news = { added: 0, stored: [], failed: [], cancelled: [] };
let newsTimer = null;

function tellSoon() {
    newsTimer ??= setTimeout(() => {
        newsTimer = null;
        const sentences = news.added > 0 ? [`Added ${countText(news.added, "file")}.`] : [];
        for (const kind of ["stored", "failed", "cancelled"]) {
            const names = news[kind].splice(0);
            if (names.length > 0) {
                sentences.push(names.length === 1 ? `${names[0]}.` : `${countText(names.length, "file")} ${kind}.`);
            }
        }
        news.added = 0;
        if (isIdle()) sentences.push("No upload is under way.");
        byID("live").textContent = sentences.join(" ");
    }, 1000);
}

// Uploads

/** Bytes per second: a moving average, which is right from the first sample on. */
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
    /** One of: queued, active, stored, failed, cancelled. */
    state = "queued";
    sent = 0;
    rate = null;
    request = null;
    token = "";
    /** Why it failed. */
    reason = "";
    savedAs = "";
    location = null;
    row = null;

    constructor(file, path) {
        this.file = file;
        this.path = path;
        // Asked once: a browser may look at the disk each time.
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
/** Nothing is started while the server is out of reach, or a token is missing. */
let held = null;
let token = storedToken();

const isIdle = () => active.size === 0 && queue.length === 0;

function add(files, isMoreOfTheSame = false) {
    if (files.length === 0) return;
    if (isIdle() && !isMoreOfTheSame) batch = { files: 0, bytes: 0, rate: null };
    for (const { file, path } of files) {
        const upload = new Upload(file, path);
        queue.push(upload);
        queuedBytes += upload.size;
    }
    news.added += files.length;
    tellSoon();
    startNext();
}

function hold(reason) {
    held = reason;
    batch.rate = null;
}

function startNext() {
    if (isIdle()) hold(null);
    const needsToken = document.documentElement.dataset.authorization === "required" && token === "";
    if (needsToken && queue.length > 0) askForToken("Enter the token first: the files wait for it.");
    while (held === null && active.size < parallelUploads && queue.length > 0) start(queue.shift());
    renderSoon();
}

function start(upload) {
    const request = new XMLHttpRequest();
    queuedBytes -= upload.size;
    active.add(upload);
    Object.assign(upload, { state: "active", sent: 0, rate: new Rate(0), request, token });
    batch.rate ??= new Rate(transferred);

    const hasSent = bytes => {
        transferred += bytes - upload.sent;
        upload.sent = bytes;
    };
    request.open("PUT", "/");
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-Filename", encodeURIComponent(upload.file.name));
    if (token !== "") request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.upload.onprogress = event => hasSent(event.loaded);
    request.onload = () => {
        if (request.status === 201) hasSent(upload.size);
        conclude(upload, request);
    };
    request.onerror = () => explainError(upload);
    request.send(upload.file);
}

function conclude(upload, request) {
    let answer = {};
    try {
        answer = JSON.parse(request.responseText);
    } catch {
        // Not from the server itself: a proxy's page, for example. Its status has to do.
    }
    active.delete(upload);
    if (request.status === 201) {
        upload.savedAs = answer.parts?.[0]?.saved_as ?? upload.file.name;
        // There is none for a hidden name: such files are neither listed nor given out.
        upload.location = request.getResponseHeader("Location");
        batch.files += 1;
        batch.bytes += upload.size;
        finish(upload, "stored");
        refreshList();
    } else if (request.status === 401) {
        enqueueFirst(upload);
        // It may have been sent before the token was corrected.
        if (upload.token === token) askForToken(answer.error ?? "The server does not accept this token.");
    } else {
        fail(upload, answer.error ?? `the server answered ${request.status} ${request.statusText}`.trim());
    }
    startNext();
}

/** Browsers do not tell why a request broke: the file, the server, or only this connection? */
async function explainError(upload) {
    const isReadable = await upload.file.slice(0, 1).arrayBuffer().then(() => true, () => false);
    const isReachable = isReadable && await fetch("/files", { method: "HEAD" }).then(() => true, () => false);
    // Cancelled meanwhile?
    if (!active.delete(upload)) return;
    if (!isReadable) {
        fail(upload, "the file cannot be read: it was changed, moved or deleted");
    } else if (isReachable) {
        fail(upload, "the connection broke off");
    } else {
        enqueueFirst(upload);
        hold("server");
    }
    startNext();
}

function fail(upload, reason) {
    Object.assign(upload, { state: "failed", reason });
    failed.add(upload);
    news.failed.push(`${upload.path} failed: ${reason}`);
    tellSoon();
}

function finish(upload, state) {
    upload.state = state;
    news[state].push(`${upload.path} ${state}`);
    finished.unshift(upload);
    if (finished.length > shownFinished) {
        finished.pop();
        finishedNotShown += 1;
    }
    tellSoon();
}

function enqueueFirst(upload) {
    Object.assign(upload, { state: "queued", sent: 0 });
    queue.unshift(upload);
    queuedBytes += upload.size;
}

// A button stays until the next rendering: by the time it is pressed, the upload may be in another state.

function retry(upload) {
    if (upload.state !== "failed" && upload.state !== "cancelled") return;
    if (!failed.delete(upload)) finished.splice(finished.indexOf(upload), 1);
    enqueueFirst(upload);
    startNext();
}

function cancel(upload) {
    if (active.delete(upload)) {
        upload.request.abort();
    } else if (upload.state === "queued") {
        queue.splice(queue.indexOf(upload), 1);
        queuedBytes -= upload.size;
    } else {
        return;
    }
    finish(upload, "cancelled");
    startNext();
}

function cancelAll() {
    const all = [...active, ...queue.splice(0)];
    queuedBytes = 0;
    // The last one is the newest, and the newest stand first: the list keeps its order.
    for (const upload of all.reverse()) {
        if (active.delete(upload)) upload.request.abort();
        finish(upload, "cancelled");
    }
    startNext();
}

// Uploads on the page

let renderTimer = null;

function renderSoon() {
    renderTimer ??= setTimeout(render, renderInterval);
}

function render() {
    renderTimer = null;
    const focusedRow = document.activeElement?.closest(".upload");
    const rows = uploads => uploads.map(rowOf);
    arrange(byID("failed"), rows([...failed]));
    arrange(byID("pending"), rows([...active, ...queue.slice(0, shownQueued)]));
    arrange(byID("finished"), rows(finished));
    if (focusedRow && document.activeElement === document.body) {
        // The focus was on a button that is gone, or in a row that moved.
        (focusedRow.isConnected && focusedRow.querySelector("a, button") || byID("uploads-heading")).focus();
    }
    showCount("more-queued", queue.length - shownQueued, "more wait");
    showCount("more-finished", finishedNotShown, "more finished");

    byID("uploads").hidden = isIdle() && failed.size === 0 && finished.length === 0;
    byID("retry-all").hidden = failed.size < 2;
    byID("cancel-all").hidden = active.size + queue.length < 2;
    byID("clear").hidden = finished.length + failed.size === 0;
    byID("notice").hidden = held !== "server";
    if (held === "server") {
        const rest = countText(queue.length, "file");
        setText(byID("notice-text"), `The server cannot be reached. Still to be sent: ${rest}.`);
    }
    renderSummary();
    if (active.size > 0) renderSoon();
}

/** How fast it goes and how long it takes, if anything moves. */
function rateFacts(rate, total, rest) {
    rate?.sample(total);
    const value = rate?.value ?? 0;
    return value < 1 ? [] : [`${sizeText(value)}/s`, `${durationText(rest / value)} left`];
}

function showCount(id, count, what) {
    byID(id).hidden = count <= 0;
    setText(byID(id), `${count.toLocaleString("en")} ${what}`);
}

function renderSummary() {
    let sent = batch.bytes;
    let total = batch.bytes + queuedBytes;
    for (const upload of active) {
        sent += upload.sent;
        total += upload.size;
    }
    const pendingFiles = active.size + queue.length;
    const facts = [];
    if (pendingFiles > 0) {
        facts.push(`${batch.files} of ${countText(batch.files + pendingFiles, "file")}`);
        facts.push(`${sizeText(sent)} of ${sizeText(total)}`);
        facts.push(...rateFacts(batch.rate, transferred, total - sent));
    } else if (batch.files > 0) {
        facts.push(`${countText(batch.files, "file")} stored`, sizeText(batch.bytes));
    }
    if (failed.size > 0) facts.push(`${failed.size.toLocaleString("en")} failed`);
    setText(byID("summary"), facts.join(", "));
    byID("total").hidden = pendingFiles < 2 && batch.files === 0 || pendingFiles === 0;
    byID("total").value = total > 0 ? sent / total : 0;
    document.title = pendingFiles > 0 ? `${percentText(sent, total)} – ${pageTitle}` : pageTitle;
}

function rowOf(upload) {
    upload.row ??= makeRow(upload);
    const { root, progress, details, actions } = upload.row;
    if (root.dataset.state !== upload.state) {
        root.dataset.state = upload.state;
        progress.hidden = upload.state !== "active";
        actions.replaceChildren(...actionsFor(upload));
        details.replaceChildren(...detailsOf(upload));
    }
    if (upload.state === "active") {
        const size = upload.size;
        progress.value = upload.sent / Math.max(1, size);
        const facts = [percentText(upload.sent, size), `${sizeText(upload.sent)} of ${sizeText(size)}`];
        const rest = size - upload.sent;
        facts.push(...(rest === 0 ? ["being stored"] : rateFacts(upload.rate, upload.sent, rest)));
        setText(details, facts.join(", "));
    } else if (upload.state === "queued") {
        setText(details, `${sizeText(upload.size)}, ${held === "token" ? "waits for the token" : "waiting"}`);
    }
    return root;
}

function makeRow(upload) {
    const name = element("p", { className: "name" }, nameElement(upload.path));
    const progress = element("progress", { max: 1, ariaLabel: `Progress of ${upload.path}` });
    const details = element("p", { className: "details" });
    const actions = element("div", { className: "actions" });
    const root = element("li", { className: "upload" }, name, progress, details, actions);
    return { root, progress, details, actions };
}

function actionsFor(upload) {
    const button = (text, action) => {
        const properties = { type: "button", ariaLabel: `${text}: ${upload.path}`, onclick: () => action(upload) };
        return element("button", properties, text);
    };
    switch (upload.state) {
        case "stored": return [];
        case "failed": case "cancelled": return [button("Try again", retry)];
        default: return [button("Cancel", cancel)];
    }
}

function detailsOf(upload) {
    const size = sizeText(upload.size);
    if (upload.state === "failed") return [`${size}, failed: ${upload.reason}`];
    if (upload.state === "cancelled") return [`${size}, cancelled`];
    if (upload.state !== "stored") return [];
    const name = nameElement(upload.savedAs);
    const link = upload.location && element("a", { href: upload.location, download: "" }, name);
    const details = [`${size}, stored as `, link ?? name];
    if (upload.savedAs !== upload.file.name) details.push(" ", element("span", { className: "tag" }, "renamed"));
    if (!link) details.push(" ", element("span", { className: "tag" }, "hidden, so not in the list"));
    return details;
}

// The token, kept for this tab. Browsers that are told to keep nothing throw.

function storedToken() {
    try {
        return sessionStorage.getItem("token") ?? "";
    } catch {
        return "";
    }
}

function askForToken(message) {
    hold("token");
    byID("token-form").hidden = false;
    setText(byID("token-error"), message);
    byID("token").ariaInvalid = "true";
    if (document.activeElement === document.body) byID("token").focus();
}

function useToken(event) {
    event.preventDefault();
    const value = byID("token").value.trim();
    if (!/^[\x21-\x7e]*$/.test(value)) {
        askForToken("This cannot be a token: it has spaces, or letters that are not ASCII.");
        return;
    }
    token = value;
    try {
        sessionStorage.setItem("token", token);
    } catch {
        // It is kept in memory.
    }
    byID("token-error").textContent = "";
    byID("token").ariaInvalid = null;
    if (held === "token") hold(null);
    startNext();
}

// Picked, dropped and pasted files

async function addPicked(input) {
    const files = Array.from(input.files);
    // So that picking the same file once more is a change.
    input.value = "";
    // A folder may hold thousands: not all in one go, so the page stays responsive.
    for (let start = 0; start < files.length; start += 100) {
        const some = files.slice(start, start + 100);
        add(some.map(file => ({ file, path: file.webkitRelativePath || file.name })), start > 0);
        await new Promise(resolve => setTimeout(resolve));
    }
}

async function addDropped(items) {
    // To be asked at once: the items are empty after the event.
    const entries = items.map(item => item.webkitGetAsEntry?.() ?? item.getAsFile()).filter(Boolean);
    const found = [];
    const problems = [];
    let count = 0;
    const flush = () => {
        add(found, count > 0);
        count += found.length;
        found.length = 0;
    };
    const visit = async entry => {
        if (entry instanceof File) {
            found.push({ file: entry, path: entry.name });
        } else if (entry.isFile) {
            const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
            found.push({ file, path: entry.fullPath.replace(/^\//, "") });
            if (found.length >= 100) flush();
        } else {
            const reader = entry.createReader();
            const read = () => new Promise((resolve, reject) => reader.readEntries(resolve, reject));
            // It gives some at a time, and none in the end.
            for (let some = await read(); some.length > 0; some = await read()) {
                for (const one of some) await visit(one);
            }
        }
    };
    for (const entry of entries) {
        try {
            await visit(entry);
        } catch (error) {
            problems.push(`${entry.name} cannot be read: ${error.message}`);
        }
    }
    flush();
    if (count === 0 && problems.length === 0) problems.push("There are no files in what was dropped.");
    byID("drop-problem").textContent = problems.join(" ");
}

function carriesFiles(event) {
    return event.dataTransfer?.types.includes("Files") ?? false;
}

function showDragging(isDragging) {
    document.documentElement.classList.toggle("dragging", isDragging);
}

function listenForFiles() {
    addEventListener("dragover", event => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
        showDragging(true);
    });
    addEventListener("dragleave", event => {
        if (event.relatedTarget === null) showDragging(false);
    });
    addEventListener("drop", event => {
        showDragging(false);
        if (!carriesFiles(event)) return;
        event.preventDefault();
        addDropped([...event.dataTransfer.items].filter(item => item.kind === "file"));
    });
    addEventListener("paste", event => {
        const files = Array.from(event.clipboardData?.files ?? [], file => ({ file, path: file.name }));
        if (files.length > 0) event.preventDefault();
        add(files);
    });
}

// The list of what is stored

const firstOrders = { name: "ascending", size: "descending", modified: "descending" };
const collator = new Intl.Collator([], { numeric: true });
let files = null;
let listError = null;
let order = { key: "modified", direction: "descending" };
let showsAll = false;
let isRefreshing = false;
let isOutdated = false;
let fileRows = new Map();

/** Loads the list, now or soon: once a second at most, and more rarely if it takes the server long. */
async function refreshList() {
    isOutdated = true;
    if (isRefreshing) return;
    isRefreshing = true;
    while (isOutdated) {
        isOutdated = false;
        const began = performance.now();
        await loadList();
        const pause = Math.min(15_000, Math.max(1000, 10 * (performance.now() - began)));
        await new Promise(resolve => setTimeout(resolve, pause));
    }
    isRefreshing = false;
}

async function loadList() {
    try {
        const response = await fetch("/files", { headers: { Accept: "application/json" } });
        const answer = await response.json();
        if (!response.ok) throw new Error(answer.error);
        files = answer;
        listError = null;
    } catch (error) {
        listError = error instanceof TypeError ? "the server cannot be reached" : error.message;
    }
    renderList();
}

function compareFiles(a, b) {
    const sign = order.direction === "ascending" ? 1 : -1;
    if (order.key === "size" && a.size !== b.size) return sign * (a.size - b.size);
    // Times are all written alike, in UTC, so they sort as text.
    if (order.key === "modified" && a.modified !== b.modified) return a.modified < b.modified ? -sign : sign;
    return (order.key === "name" ? sign : 1) * collator.compare(a.name, b.name);
}

function renderList() {
    const all = files ?? [];
    const filter = byID("filter").value.normalize().toLowerCase();
    byID("filter-field").hidden = all.length <= filterFrom && filter === "";
    const matching = all.filter(file => file.name.normalize().toLowerCase().includes(filter)).sort(compareFiles);
    const shown = showsAll ? matching : matching.slice(0, shownFiles);

    // What has not changed keeps its row.
    const rows = new Map(shown.map(file => {
        const key = JSON.stringify(file);
        return [key, fileRows.get(key) ?? makeFileRow(file)];
    }));
    fileRows = rows;
    arrange(byID("file-rows"), [...rows.values()]);
    for (const button of document.querySelectorAll("#files th button")) {
        const isOrder = button.dataset.key === order.key;
        button.closest("th").ariaSort = isOrder ? order.direction : null;
    }

    const bytes = all.reduce((sum, file) => sum + file.size, 0);
    setText(byID("stored-summary"), all.length > 0 ? `${countText(all.length, "file")}, ${sizeText(bytes)}` : "");
    byID("files").hidden = shown.length === 0;
    byID("show-all").hidden = shown.length === matching.length;
    setText(byID("show-all"), `Show all ${countText(matching.length, "file")}`);
    renderListState(all, matching);
}

function renderListState(all, matching) {
    const state = byID("stored-state");
    state.hidden = listError === null && matching.length > 0;
    state.classList.toggle("error", listError !== null);
    if (listError !== null) {
        const again = element("button", { type: "button", onclick: refreshList }, "Load again");
        state.replaceChildren(`The list could not be loaded: ${listError}. `, again);
    } else if (matching.length === 0) {
        setText(state, all.length === 0 ? "Nothing is stored yet." : "No file has such a name.");
    }
}

function makeFileRow(file) {
    const href = `/files/${encodeURIComponent(file.name)}`;
    const link = element("a", { href, download: "" }, nameElement(file.name));
    const date = new Date(file.modified);
    const time = element("time", { dateTime: file.modified, title: date.toLocaleString() }, timeText(date));
    return element(
        "tr", {},
        element("td", { className: "name" }, link),
        element("td", { className: "size", title: exactText(file.size) }, sizeText(file.size)),
        element("td", { className: "time" }, time),
    );
}

function sortBy(key) {
    const opposite = order.direction === "ascending" ? "descending" : "ascending";
    order = { key, direction: key === order.key ? opposite : firstOrders[key] };
    renderList();
}

// Everything put together

function begin() {
    for (const id of ["drop-hint", "pick-buttons", "stored", "terminal"]) byID(id).hidden = false;
    byID("plain-picker").hidden = true;
    byID("pick-folder").hidden = !("webkitdirectory" in byID("folder-input"));
    byID("token-form").hidden = document.documentElement.dataset.authorization !== "required";
    byID("token").value = token;
    const authorization = byID("token-form").hidden ? "" : "-H 'Authorization: Bearer TOKEN' ";
    byID("command").textContent = `curl ${authorization}-T FILE ${location.origin}/`;

    byID("pick-files").onclick = () => byID("file-input").click();
    byID("pick-folder").onclick = () => byID("folder-input").click();
    byID("file-input").onchange = event => addPicked(event.target);
    byID("folder-input").onchange = event => addPicked(event.target);
    byID("token-form").onsubmit = useToken;
    byID("notice-button").onclick = () => {
        hold(null);
        byID("uploads-heading").focus();
        startNext();
    };
    byID("retry-all").onclick = () => {
        for (const upload of [...failed].reverse()) retry(upload);
        byID("uploads-heading").focus();
    };
    byID("cancel-all").onclick = () => {
        cancelAll();
        byID("uploads-heading").focus();
    };
    byID("clear").onclick = () => {
        failed.clear();
        finished.length = 0;
        finishedNotShown = 0;
        byID(isIdle() ? "pick-files" : "uploads-heading").focus();
        renderSoon();
    };
    byID("filter").oninput = renderList;
    byID("show-all").onclick = () => {
        showsAll = true;
        renderList();
    };
    for (const button of document.querySelectorAll("#files th button")) {
        button.onclick = () => sortBy(button.dataset.key);
    }
    addEventListener("beforeunload", event => {
        if (!isIdle()) event.preventDefault();
    });
    document.addEventListener("visibilitychange", () => {
        if (!document.hidden) refreshList();
    });
    listenForFiles();
    refreshList();
}

begin();
