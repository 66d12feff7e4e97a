// htmx as the global that its extensions expect.
import htmx from "htmx.org";

window.htmx = htmx;
export default htmx;
