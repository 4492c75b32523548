-- Sets how many threads DuckDB may use: so many, or as many as the machine has.
{% if threads is none %}RESET GLOBAL threads{% else %}SET GLOBAL threads = {{ threads | number }}{% endif %};
