// The list of stored files

const firstOrders = { name: "ascending", size: "descending", modified: "descending" };
const collator = new Intl.Collator([], { numeric: true });
// Of more files, only these are loaded.
const mostFiles = 100_000;
let files = null;
let hasMoreFiles = false;
let listError = null;
let order = { key: "modified", direction: "descending" };
let showsAll = false;
let isRefreshing = false;
let isOutdated = false;
let fileRows = new Map();

/** Loads the list, now or soon: at most once a second, and less often if the server is slow. */
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
        const loaded = [];
        let next = "/files?limit=10000";
        while (next && loaded.length < mostFiles) {
            const response = await fetch(next, { headers: { Accept: "application/json" } });
            const answer = await response.json();
            if (!response.ok) throw new Error(answer.error);
            loaded.push(...answer);
            next = response.headers.get("Link")?.match(/<([^>]*)>; rel="next"/)?.[1];
        }
        files = loaded;
        hasMoreFiles = Boolean(next);
        listError = null;
    } catch (error) {
        listError = error instanceof TypeError ? "the server cannot be reached" : error.message;
    }
    renderList();
}

function compareFiles(a, b) {
    const sign = order.direction === "ascending" ? 1 : -1;
    if (order.key === "size" && a.size !== b.size) return sign * (a.size - b.size);
    // All times have the same format, in UTC, so they sort as text.
    if (order.key === "modified" && a.modified !== b.modified) return a.modified < b.modified ? -sign : sign;
    return (order.key === "name" ? sign : 1) * collator.compare(a.name, b.name);
}

function renderList() {
    const all = files ?? [];
    const filter = byID("filter").value.normalize().toLowerCase();
    byID("filter-field").hidden = all.length <= filterFrom && filter === "";
    const matching = all.filter(file => file.name.normalize().toLowerCase().includes(filter)).sort(compareFiles);
    const shown = showsAll ? matching : matching.slice(0, shownFiles);

    // Files that have not changed keep their rows.
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
    const summary = `${hasMoreFiles ? "the first " : ""}${countText(all.length, "file")}, ${sizeText(bytes)}`;
    setText(byID("stored-summary"), all.length > 0 ? summary : "");
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
        setText(state, all.length === 0 ? "No files are stored yet." : "No file name matches.");
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
